// The time to a chat's automatic end: it shows itself from 80 % of the quiet minutes on (S20a).
// By the server's clock, so that a wrong computer neither hides nor invents it.
import { now } from "./clock.js";

function tick() {
  for (const element of document.querySelectorAll("[data-ends-at]")) {
    const left = Math.max(0, Math.ceil((Date.parse(element.dataset.endsAt) - now()) / 1000));
    const isDue = now() >= Date.parse(element.dataset.warnsAt);
    if (element.hidden === isDue) element.hidden = !isDue;
    const words = element.querySelector(".left");
    const text = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    if (words && words.textContent !== text) words.textContent = text;
  }
}

tick();
setInterval(tick, 1000);
document.addEventListener("mado:placed", tick);
document.addEventListener("htmx:afterSettle", tick);
