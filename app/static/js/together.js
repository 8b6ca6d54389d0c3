// Ticking cases of a list, one, a range with Shift, or the page; the bar with what can be done comes
// while some are. Lists are placed anew while one chooses: what was ticked stays so.
const form = document.querySelector("#together");
const chosen = new Set();
let last = null;

const boxes = () => [...document.querySelectorAll("[data-choose]")].filter((box) => !box.closest("[inert]"));

function tick(box, is) {
  box.checked = is;
  if (is) chosen.add(box.value);
  else chosen.delete(box.value);
}

function tell() {
  const all = boxes();
  form.classList.toggle("is-open", chosen.size > 0);
  form.querySelector("[data-chosen]").textContent = chosen.size;
  const head = document.querySelector("[data-choose-all]");
  if (!head) return;
  head.checked = all.length > 0 && chosen.size === all.length;
  head.indeterminate = chosen.size > 0 && !head.checked;
}

function range(box, event) {
  const all = boxes();
  const [from, to] = [all.findIndex((one) => one.value === last), all.indexOf(box)].sort((a, b) => a - b);
  if (event.shiftKey && from >= 0) for (const one of all.slice(from, to + 1)) tick(one, box.checked);
  last = box.value;
}

// A row that has left the list takes its tick with it.
function keep() {
  const here = boxes();
  for (const gone of document.querySelectorAll("[inert] [data-choose]")) gone.checked = false;
  for (const value of chosen) if (!here.some((box) => box.value === value)) chosen.delete(value);
  for (const box of here) box.checked = chosen.has(box.value);
  tell();
}

if (form) {
  document.addEventListener("click", (event) => {
    const { target } = event;
    if (target.matches("[data-choose]")) { tick(target, target.checked); range(target, event); }
    else if (target.matches("[data-choose-all]")) for (const box of boxes()) tick(box, target.checked);
    else if (target.closest("[data-choose-page]")) for (const box of boxes()) tick(box, true);
    else if (target.closest("[data-choose-none]")) for (const box of boxes()) tick(box, false);
    else return;
    tell();
  });
  document.addEventListener("mado:placed", keep);
  form.addEventListener("submit", () => document.documentElement.classList.add("is-waiting"));
  addEventListener("pageshow", () => { document.documentElement.classList.remove("is-waiting"); keep(); });
}
