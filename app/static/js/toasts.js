// Toasts go by themselves after a while, unless the pointer or the focus is on them. One that offers
// to undo something stays for long enough to think.
const LASTS = 6000, LASTS_WITH_UNDO = 30000;

function later(toast) {
  const lasts = toast.querySelector("form") ? LASTS_WITH_UNDO : LASTS;
  setTimeout(() => (toast.matches(":hover, :focus-within") ? later(toast) : toast.remove()), lasts);
}

// One of the sentences that the page brought along (data-words of #toasts), translated there.
export function toast(word) {
  const template = document.querySelector(`template[data-toast-word="${word}"]`);
  if (template) document.querySelector("#toasts").append(template.content.cloneNode(true));
}

document.addEventListener("click", (event) => event.target.closest("[data-dismiss]")?.closest("[data-toast]").remove());

const home = document.querySelector("#toasts");
if (home) {
  for (const first of home.children) later(first);
  new MutationObserver((changes) => {
    for (const change of changes) for (const node of change.addedNodes) if (node.nodeType === 1) later(node);
  }).observe(home, { childList: true });
}
