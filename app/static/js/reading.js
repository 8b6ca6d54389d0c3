// Tells the server which message this page has really shown: visible, focused, and at its end (S15).
import { token } from "./csrf.js";

const PAUSE = 250;
let timer;
let wasLooking = false;

const isLooking = () => !document.hidden && document.hasFocus();

function tell() {
  if (!isLooking()) return;
  for (const thread of document.querySelectorAll("mado-thread[data-reading]")) {
    const last = [...thread.querySelectorAll(".message.is-in")].at(-1)?.dataset.id;
    // Whoever is given the chat has read nothing of it for the server: then it is told again.
    const mark = `${last} ${thread.closest("[data-conversation]").querySelector("[data-mine-since]")?.dataset.mineSince}`;
    if (!last || !thread.isPinned || thread.dataset.told === mark) continue;
    thread.dataset.told = mark;
    fetch(thread.dataset.reading, {
      method: "POST",
      body: new URLSearchParams({ message_id: last }),
      headers: { "HX-Request": "true", "X-CSRFToken": token() },
    }).then((answer) => { if (!answer.ok) delete thread.dataset.told; }, () => { delete thread.dataset.told; });
  }
}

function soon() {
  clearTimeout(timer);
  timer = setTimeout(tell, PAUSE);
}

// What arrives while one looks at it lights nothing, also not until the server has been told.
function leaveOut(event) {
  if (event.detail.path !== "/live/responses") return;
  const thread = isLooking() && document.querySelector("mado-thread[data-reading]");
  wasLooking = Boolean(thread?.isPinned);
  if (wasLooking) event.detail.parameters.looking = thread.dataset.topic.split(":")[1];
}

// Who looks away before the server was told has not seen it after all.
function lookedAway() {
  if (wasLooking && !isLooking()) htmx.trigger("#responses", "changed");
}

document.addEventListener("htmx:configRequest", leaveOut);
document.addEventListener("visibilitychange", lookedAway);
addEventListener("blur", lookedAway);
for (const name of ["mado:shown", "visibilitychange", "htmx:afterSettle", "pointerdown"]) document.addEventListener(name, soon);
addEventListener("focus", soon);
soon();
