// Single keys, while nobody types or composes. Elements name their key: data-key="e". "?" lists them.
// The agent can switch them off; Esc works always.
import { isComposing } from "./typing.js";

const isOn = document.body.dataset.shortcuts === "on";
const isTyping = (element) => element.closest("input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]");
const rows = () => [...document.querySelectorAll("[data-rows] .row-link, [data-rows] .main a")].filter((row) => row.checkVisibility());

function move(step) {
  const all = rows();
  const here = all.findIndex((row) => row === document.activeElement || row.closest("tr, li").contains(document.activeElement));
  const current = here >= 0 ? here : all.findIndex((row) => row.getAttribute("aria-current") === "true");
  const next = all[current < 0 ? 0 : Math.min(all.length - 1, Math.max(0, current + step))];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

function act(element) {
  if (element.matches("input:not([type=radio]), textarea, select")) element.focus();
  else element.click();
  if (element.type === "radio") element.form.elements.text?.focus();
}

function escape() {
  if (document.querySelector("dialog:modal, :popover-open")) return;
  const typing = isTyping(document.activeElement);
  if (typing) {
    const row = rows().find((link) => link.getAttribute("aria-current") === "true");
    document.activeElement.blur();
    return (row ?? document.querySelector("main")).focus();
  }
  document.querySelector('[data-key="Escape"]')?.click();
}

document.addEventListener("keydown", (event) => {
  if (isComposing(event) || event.defaultPrevented) return;
  if (event.key === "Escape") return escape();
  if (!isOn || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  if (document.querySelector("dialog:modal")) return;
  if (event.key === "j" || event.key === "k") { event.preventDefault(); return move(event.key === "j" ? 1 : -1); }
  if (event.key === "x") return document.activeElement.closest("[data-rows] > *")?.querySelector("[data-choose]")?.click();
  if (event.key === "?") return document.querySelector('dialog[id="keys"]').showModal();
  const keyed = [...document.querySelectorAll(`[data-key="${CSS.escape(event.key)}"]`)].find((element) => element.checkVisibility());
  if (!keyed) return;
  event.preventDefault();
  act(keyed);
});
