// The icon's count, the title and the tab's picture: the sum of both server-rendered parts (S13-S15).
import { ring } from "./sound.js";

const icon = document.querySelector("#chats-icon");
const favicon = document.querySelector('link[rel="icon"]');
const quiet = favicon?.href;
let last = null;

const countOf = (id) => Number(document.getElementById(id)?.dataset.count ?? 0);

export function count() {
  if (!icon) return;
  const number = countOf("incoming") + countOf("responses");
  const label = icon.dataset.label;
  icon.classList.toggle("is-lit", number > 0);
  icon.querySelector(".number").textContent = number || "";
  icon.setAttribute("aria-label", number ? `${label}: ${number}` : label);
  const title = document.title.replace(/^\(\d+\) /, "");
  document.title = number ? `(${number}) ${title}` : title;
  favicon.href = number ? quiet.replace("mado.svg", "mado-waiting.svg") : quiet;
  if (last !== null && number > last) {
    ring();
    icon.classList.remove("is-rising");
    requestAnimationFrame(() => icon.classList.add("is-rising"));
  }
  last = number;
}

document.addEventListener("mado:placed", count);
document.addEventListener("htmx:afterSettle", count);
count();
