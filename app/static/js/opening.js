// A chat that was opened or acted on in place: on a desk its composer has the focus, on a phone its
// heading; and the page is named after it.
import { isTouch } from "./typing.js";

const ACTS = /^\/chats\/\d+\/(taking|takeover|return|handover)$/;

// The icon's rows open in place in Chats; on every other page they lead there, as forms do.
document.addEventListener("submit", (event) => {
  if (event.target.matches("#chats-drop form") && !document.querySelector(".chats")) event.stopPropagation();
}, true);

function settle() {
  const conversation = document.querySelector("#conversation[data-conversation]");
  if (!conversation || !location.pathname.startsWith("/chats/")) return;
  for (const drop of document.querySelectorAll(".drop:popover-open")) drop.hidePopover();
  const target = isTouch() ? conversation.querySelector("h1") : conversation.querySelector("textarea");
  target?.focus({ preventScroll: true });
  if (target?.value) target.setSelectionRange(target.value.length, target.value.length);
}

document.addEventListener("htmx:afterSwap", (event) => {
  const title = event.detail.elt.dataset?.title;
  if (title) document.title = title;
});
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.elt.id === "conversation") settle();
});
// The button that was pressed is gone or means something else now: no second Enter may press it.
document.addEventListener("htmx:afterRequest", (event) => {
  if (!ACTS.test(event.detail.requestConfig?.path)) return;
  settle();
});
settle();
