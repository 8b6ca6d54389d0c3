// Lists of chats that change while somebody points at them. A row under the pointer or the focus
// never moves: rows that went keep their place, greyed, and new ones come last until one looks away.
import { show } from "./times.js";

const pending = new Map();
// Kept beside the elements: htmx starts an element anew, and forgets what waits there, when its attributes change.
const placedAt = new WeakMap(), hintedAt = new WeakMap();
const isHeld = (list) => list.matches(":hover, :focus-within") && list.querySelector("[data-rows] > *") !== null;
// Another tab's list is another list: nobody expects its rows where the others were.
const isSame = (old, fresh) => old.getAttribute("hx-get") === fresh.getAttribute("hx-get");
// What somebody unfolded stays so: the server does not know of it.
Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, element) => !(name === "open" && element.matches("details"));
const openNumber = () => location.pathname.match(/^\/chats\/(\d+)/)?.[1];

export function parse(html) {
  return new DOMParser().parseFromString(html, "text/html").body;
}

// Put a freshly rendered list (or any element with an id) where the old one stands.
export function place(fresh) {
  const old = document.getElementById(fresh.id);
  if (!old) return;
  show(fresh);
  mark(fresh);
  pending.delete(fresh.id);
  if (isHeld(old) && isSame(old, fresh)) {
    pending.set(fresh.id, fresh.cloneNode(true));
    keepOrder(old, fresh);
  }
  // A field that somebody is in keeps its value; a button that has the focus must change its words.
  const isInField = document.activeElement.matches("input, textarea, select");
  Idiomorph.morph(old, fresh, { morphStyle: "outerHTML", ignoreActiveValue: isInField });
  const placed = document.getElementById(fresh.id);
  placedAt.set(placed, performance.now());
  htmx.process(placed);
  placed.dispatchEvent(new CustomEvent("mado:placed", { bubbles: true }));
}

function keepOrder(old, fresh) {
  let home = fresh.querySelector("[data-rows]");
  if (!home) {
    home = old.querySelector("[data-rows]").cloneNode(false);
    fresh.querySelector("[data-empty]")?.replaceWith(home);
  }
  const coming = new Map([...home.children].map((row) => [row.id, row]));
  const kept = [...old.querySelector("[data-rows]").children].map((row) => {
    const same = coming.get(row.id);
    coming.delete(row.id);
    return same ?? gone(row);
  });
  home.replaceChildren(...kept, ...coming.values());
}

function gone(row) {
  const copy = row.cloneNode(true);
  copy.classList.add("is-gone");
  copy.inert = true;
  return copy;
}

function mark(root) {
  for (const link of root.querySelectorAll(".row[data-number] .row-link")) {
    if (link.closest(".row").dataset.number === openNumber()) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

function thaw() {
  for (const [id, fresh] of pending) {
    const list = document.getElementById(id);
    if (!list) pending.delete(id);
    else if (!isHeld(list)) place(fresh);
  }
}

document.addEventListener("htmx:beforeSwap", (event) => {
  const { target, xhr, serverResponse, requestConfig } = event.detail;
  if (!target.matches?.("[data-merge]") || xhr.status !== 200) return;
  event.detail.shouldSwap = false;
  if (requestConfig.elt === target && isOutdated(target, requestConfig.path, xhr)) return htmx.trigger(target, "changed");
  for (const fresh of [...parse(serverResponse).children]) place(fresh);
  // A hint that came while this answer was on its way: it may know more.
  if ((hintedAt.get(target) ?? 0) > xhr.startedAt) htmx.trigger(target, "changed");
});

// What was placed while this answer was on its way may be newer, or another tab's list: ask again.
function isOutdated(target, path, xhr) {
  return path !== target.getAttribute("hx-get") || (placedAt.get(target) ?? 0) > xhr.startedAt;
}

document.addEventListener("changed", (event) => hintedAt.set(event.target, performance.now()));
document.addEventListener("htmx:beforeSend", (event) => { event.detail.xhr.startedAt = performance.now(); });
document.addEventListener("pointerout", () => setTimeout(thaw));
document.addEventListener("focusout", () => setTimeout(thaw));
for (const name of ["htmx:pushedIntoHistory", "htmx:afterSettle"]) {
  document.addEventListener(name, () => mark(document.body));
}
