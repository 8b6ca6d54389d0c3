// A connection may die without a word, and then a browser waits for minutes. Nobody here waits so long.
const PATIENCE = 20000;

// Ends a fetch that is not answered.
export function patience() {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), PATIENCE);
  return controller.signal;
}

// The same for what regions ask; what waits behind it in htmx's queue goes then.
document.addEventListener("htmx:beforeSend", ({ target, detail: { xhr, requestConfig } }) => {
  if (requestConfig.verb !== "get") return;
  const timer = setTimeout(() => { xhr.abort(); htmx.trigger(target, "mado:unanswered", { xhr }); }, PATIENCE);
  xhr.addEventListener("loadend", () => clearTimeout(timer));
});
