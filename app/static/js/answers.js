// What is the same for every answer: the progress bar, being signed out, and failures that nobody
// else tells of.
import { renew } from "./csrf.js";
import { toast } from "./toasts.js";

let waiting = 0;
const isSignIn = (xhr) => new URL(xhr.responseURL || location.href).pathname.startsWith("/sign-in");

function count(step) {
  waiting = Math.max(0, waiting + step);
  document.documentElement.classList.toggle("is-waiting", waiting > 0);
}

// Background refreshes are nobody's wait.
const isBackground = (event) => event.detail.elt?.matches?.("[data-topic]");

export function signedOut() {
  document.documentElement.dataset.signedOut = "";
  document.querySelector("#banner-signed-out")?.removeAttribute("hidden");
}

// Back in this tab after signing in in another one: the banner goes, what was typed is still there.
async function lookAgain() {
  if (document.hidden || !("signedOut" in document.documentElement.dataset)) return;
  if (!(await renew().catch(() => false))) return;
  delete document.documentElement.dataset.signedOut;
  document.querySelector("#banner-signed-out").hidden = true;
  document.dispatchEvent(new Event("mado:signed-in"));
}

document.addEventListener("htmx:beforeRequest", (event) => { if (!isBackground(event)) count(1); });
document.addEventListener("htmx:afterRequest", (event) => { if (!isBackground(event)) count(-1); });
// What is not there for these eyes any more asks no more; the thread says so to whoever looks at it.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.xhr.status !== 404 || !isBackground(event)) return;
  event.detail.isError = false;
  delete event.detail.elt.dataset.topic;
});
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.xhr.status !== 401 && !isSignIn(event.detail.xhr)) return;
  event.detail.shouldSwap = false;
  signedOut();
});
document.addEventListener("htmx:responseError", async (event) => {
  const { status } = event.detail.xhr;
  if (isBackground(event) || status === 401) return;
  const isStale = event.detail.xhr.getResponseHeader("X-Mado") === "stale";
  if (isStale && (await renew().catch(() => false))) return toast("stale");
  toast(status === 403 || status === 404 ? "gone" : "failed");
});
document.addEventListener("htmx:sendError", (event) => { if (!isBackground(event)) toast("offline"); });
document.addEventListener("visibilitychange", lookAgain);
addEventListener("focus", lookAgain);
