// Days and runs: a separator where the browser's date changes, and one sender's bubbles close ranks.
import { dayText } from "./times.js";

const RUN = 5 * 60000;
const at = (bubble) => new Date(bubble.dataset.at);

function separator(moment) {
  const element = document.createElement("li");
  element.className = "day";
  element.dataset.day = moment.toDateString();
  element.textContent = dayText(moment);
  return element;
}

export function arrange(list) {
  let previous = null;
  for (const bubble of list.querySelectorAll("[data-at]:not([hidden])")) {
    const isNewDay = !previous || at(previous).toDateString() !== at(bubble).toDateString();
    const between = bubble.previousElementSibling?.matches(".day") ? bubble.previousElementSibling : null;
    if (isNewDay && between?.dataset.day !== at(bubble).toDateString()) {
      between?.remove();
      bubble.before(separator(at(bubble)));
    } else if (!isNewDay) between?.remove();
    const follows = !isNewDay && previous.dataset.sender === bubble.dataset.sender && at(bubble) - at(previous) < RUN;
    bubble.classList.toggle("follows", follows);
    previous?.classList.toggle("leads", follows);
    bubble.classList.remove("leads");
    previous = bubble;
  }
  for (const day of list.querySelectorAll(".day + .day, .day:last-child")) day.remove();
}
