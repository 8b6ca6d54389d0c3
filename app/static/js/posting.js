// How a message leaves the page: what the form says, and the one request that carries it.
import { token } from "./csrf.js";
import { patience } from "./patience.js";
import { newestShown } from "./seen.js";

const LONGEST_KEPT = 15000;

// With what the page has shown when it was written.
export function written(form) {
  const seen = form.elements.last_seen;
  seen.value = newestShown(form.closest("[data-conversation]")) ?? seen.value;
  return new FormData(form);
}

export function post(address, body) {
  return fetch(address, {
    method: "POST",
    body,
    headers: { "HX-Request": "true", "X-CSRFToken": token() },
    // Sent is sent, though one goes to another page meanwhile; browsers allow that up to 64 KB.
    keepalive: body.get("text").length < LONGEST_KEPT,
    signal: patience(),
  });
}
