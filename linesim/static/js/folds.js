// Remembers which fold-outs are open, per browser. On narrow screens all start closed.
const narrow = matchMedia("(max-width: 1279px)").matches;

for (const fold of document.querySelectorAll("details[data-remember]")) {
  const kept = localStorage.getItem(fold.id);
  if (kept) fold.open = kept === "open";
  else if (narrow) fold.open = false;
  fold.addEventListener("toggle", () => localStorage.setItem(fold.id, fold.open ? "open" : "shut"));
}
