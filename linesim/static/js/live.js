// Asks every second for the talk one is on and swaps the regions that changed. A region with a key is swapped
// only when its key changes, so that a text in the making stays.
import { showTimes } from "./times.js";

const EVERY = 1000;
const seen = new Map();
let version = "";

// The home page shows some talk; it stays with that one although another may come to the top.
export const here = () => document.body.dataset.here;

export async function start() {
  for (const region of regions(document)) seen.set(region.id, trace(region));
  showTimes(document);
  scrollToEnd(document.getElementById("talk"));
  document.addEventListener("visibilitychange", refresh);
  setInterval(refresh, EVERY);
}

export async function refresh() {
  if (document.hidden) return;
  try {
    const answer = await fetch(here(), { headers: { "If-None-Match": version }, cache: "no-store" });
    if (answer.ok) await take(answer);
    document.body.classList.remove("is-offline");
  } catch {
    document.body.classList.add("is-offline");
  }
}

export async function take(answer) {
  version = answer.headers.get("ETag") ?? "";
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const fresh of regions(page)) swap(fresh);
}

const regions = (root) => root.querySelectorAll("[data-live]");
const trace = (region) => region.dataset.key ?? region.outerHTML;

function swap(fresh) {
  const old = document.getElementById(fresh.id);
  if (!old || seen.get(fresh.id) === trace(fresh)) return;
  seen.set(fresh.id, trace(fresh));
  keepOpen(old, fresh);
  showTimes(fresh);
  const place = old.scrollTop, followed = isAtEnd(old), focused = focusIn(old);
  old.replaceWith(document.adoptNode(fresh));
  if ("follows" in fresh.dataset && followed) scrollToEnd(fresh);
  else fresh.scrollTop = place;
  if (focused) (fresh.querySelector(focused) ?? fresh).focus({ preventScroll: true });
}

function keepOpen(old, fresh) {
  for (const fold of old.querySelectorAll("details[open][id]")) {
    fresh.querySelector(`#${CSS.escape(fold.id)}`)?.setAttribute("open", "");
  }
}

function focusIn(region) {
  const active = document.activeElement;
  if (!region.contains(active)) return "";
  const href = active.getAttribute("href"), fold = active.closest("details[id]");
  if (href) return `a[href="${CSS.escape(href)}"]`;
  return fold ? `#${CSS.escape(fold.id)} > summary` : active.localName;
}

const isAtEnd = (region) => region.scrollHeight - region.scrollTop - region.clientHeight < 60;
const scrollToEnd = (region) => { if (region) region.scrollTop = region.scrollHeight; };
