// Older bubbles come by a link above the first one, and the place one reads stays where it is. A page
// that is open all day stays light: bubbles far up go again and come back by the same link (U14).
import { parse } from "./lists.js";
import { show } from "./times.js";
import { arrange } from "./days.js";

const MOST = 200;

export function trim(list) {
  const bubbles = list.querySelectorAll("[data-id]");
  if (bubbles.length <= MOST) return;
  for (const bubble of [...bubbles].slice(0, bubbles.length - MOST)) bubble.remove();
  arrange(list);
  if (list.querySelector("a.older")) return;
  list.prepend(list.closest("mado-thread").querySelector("template.older-link").content.cloneNode(true));
}

async function load(link, thread) {
  const scroller = thread.querySelector(".thread-scroll"), list = thread.querySelector(".thread");
  const first = list.querySelector("[data-id]");
  link.setAttribute("aria-busy", "true");
  const answer = await fetch(`${thread.dataset.source}before=${first.dataset.id}`, { headers: { "HX-Request": "true" } });
  if (!answer.ok) return link.removeAttribute("aria-busy");
  const fresh = parse(await answer.text()).firstElementChild;
  show(fresh);
  const fromEnd = scroller.scrollHeight - scroller.scrollTop;
  link.closest("li").replaceWith(...fresh.children);
  htmx.process(list);
  arrange(list);
  scroller.scrollTop = scroller.scrollHeight - fromEnd;
  scroller.focus({ preventScroll: true });
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a.older");
  const thread = link?.closest("mado-thread");
  if (!thread || event.metaKey || event.ctrlKey || link.getAttribute("aria-busy")) return;
  event.preventDefault();
  load(link, thread).catch(() => link.removeAttribute("aria-busy"));
});
