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
    if (isOver) continue;
    if (words.textContent !== String(left)) words.textContent = String(left);
    lift(free.dataset.freeUntil);
  }
}

// What was refused for want of quota can be sent now that a later moment is free: its notice is old news.
function lift(until) {
  for (const said of document.querySelectorAll("[data-notice] [data-lifts-after]")) {
    if (until > said.dataset.liftsAfter) said.parentElement.replaceChildren();
  }
}

tick();
setInterval(tick, 1000);
document.addEventListener("mado:placed", tick);
document.addEventListener("htmx:afterSettle", tick);
