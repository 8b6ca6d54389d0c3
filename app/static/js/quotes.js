// Quotes: a bubble's "Quote" puts it over the composer, and a quoted line leads to its bubble (L4).
import { parse } from "./lists.js";

const placeOf = (element) => element.closest("[data-conversation]")?.querySelector("[data-quote-place]");

async function quote(link) {
  const place = placeOf(link);
  if (!place) return;
  const answer = await fetch(link.dataset.quote, { headers: { "HX-Request": "true" } });
  if (!answer.ok) return;
  place.replaceChildren(...parse(await answer.text()).childNodes);
  place.closest("form").elements.text.focus();
}

function lookAt(bubble) {
  bubble.scrollIntoView({ block: "center" });
  bubble.classList.remove("is-pointed-at");
  requestAnimationFrame(() => bubble.classList.add("is-pointed-at"));
}

// With a modifier the link is a link: a new tab, a download.
const isPlain = (event) => event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);

document.addEventListener("click", (event) => {
  if (!isPlain(event)) return;
  const link = event.target.closest("a[data-quote], a[data-drop-quote], a[data-shows]");
  if (!link) return;
  const bubble = link.dataset.shows && document.getElementById(link.dataset.shows);
  if (link.dataset.shows && !bubble) return;
  event.preventDefault();
  if (bubble) lookAt(bubble);
  else if (link.dataset.quote) quote(link).catch(() => { location.href = link.href; });
  else drop(link);
});

function drop(element) {
  const place = placeOf(element);
  place?.replaceChildren();
  place?.closest("form").elements.text.focus();
}

document.addEventListener("mado:sent", (event) => placeOf(event.target)?.replaceChildren());
