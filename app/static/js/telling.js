// Tells the server that an agent writes, on the first keystroke and then every 8 seconds (L10).
// Only composers of channels that show it have an address for that; notes are nobody's business.
import { token } from "./csrf.js";

const EVERY = 8000;
const told = new WeakMap();

document.addEventListener("input", (event) => {
  const composer = event.target.closest?.("mado-composer[data-typing]");
  if (!composer || event.target.name !== "text" || !event.target.value.trim()) return;
  if (event.target.form.elements.mode.value === "note") return;
  const moment = performance.now();
  if (moment - (told.get(composer) ?? -EVERY) < EVERY) return;
  told.set(composer, moment);
  fetch(composer.dataset.typing, { method: "POST", headers: { "HX-Request": "true", "X-CSRFToken": token() } }).catch(() => told.delete(composer));
});

// What was sent ends LINE's animation: the next keystroke begins anew.
document.addEventListener("mado:sent", (event) => told.delete(event.target));
