// What composers and shortcuts must know of keyboards.

// Enter that confirms an IME's choice is not Enter: browsers disagree on which of the two says so (U1).
export const isComposing = (event) => event.isComposing || event.keyCode === 229;

// On a phone Enter begins a new line, and opening something must not raise the keyboard.
export const isTouch = () => matchMedia("(pointer: coarse)").matches;

// crypto.randomUUID exists on https only.
export const newKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

// UTF-16 units, as JavaScript counts and LINE limits; told when it begins to matter.
export function count(counter, length, limit) {
  counter.textContent = length > limit * 0.8 ? `${length.toLocaleString()} / ${limit.toLocaleString()}` : "";
  counter.classList.toggle("is-over", length > limit);
}

// In place of what is selected, as if it were typed: Ctrl+Z takes it out again.
export function insert(field, text) {
  const { selectionStart: from, selectionEnd: to } = field;
  if (!text && from === to || document.execCommand(text ? "insertText" : "delete", false, text)) return;
  field.setRangeText(text, from, to, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
}
