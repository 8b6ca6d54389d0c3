// For how long a reply is still free: counted down by the server's clock, then what it costs (L9).
import { now } from "./clock.js";

function tick() {
  for (const free of document.querySelectorAll("[data-free-until]")) {
    const left = Math.ceil((Date.parse(free.dataset.freeUntil) - now()) / 1000);
    const isOver = left <= 0;
    if (free.hidden !== isOver) free.hidden = isOver;
    const paid = free.parentElement.querySelector(".paid");
    if (paid.hidden === isOver) paid.hidden = !isOver;
    const words = free.querySelector(".left");
    if (!isOver && words.textContent !== String(left)) words.textContent = String(left);
  }
}

tick();
setInterval(tick, 1000);
document.addEventListener("mado:placed", tick);
document.addEventListener("htmx:afterSettle", tick);
