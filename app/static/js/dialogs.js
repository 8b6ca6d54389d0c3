// A dialog that htmx brought opens at once, goes when it closes, and gives the focus back.
import { newestShown } from "./seen.js";

let opener = null;

document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.target?.id === "dialogs") opener = document.activeElement;
});

document.addEventListener("htmx:afterSwap", (event) => {
  const dialog = event.detail.target.id === "dialogs" && event.detail.target.querySelector("dialog:not([open])");
  if (!dialog) return;
  const seen = dialog.querySelector("[data-last-seen]");
  if (seen) seen.value = newestShown(document) ?? seen.value;
  dialog.showModal();
  // A dialog focuses its first field; arrow keys must go on from what is preselected.
  dialog.querySelector("input[type=radio]:checked")?.focus();
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (opener?.isConnected) opener.focus();
  });
});

document.addEventListener("click", (event) => {
  const name = event.target.closest("[data-opens]")?.dataset.opens;
  if (name) document.querySelector(`dialog[id="${name}"]`)?.showModal();
  const closes = event.target.closest("[data-closes]");
  if (closes) {
    event.preventDefault();
    closes.closest("dialog")?.close();
  }
  // A click beside the dialog: the dialog itself is the target only outside its content.
  if (event.target.matches?.("dialog.dialog:modal")) event.target.close();
});
