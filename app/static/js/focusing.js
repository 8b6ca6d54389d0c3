// After a part was put in place the focus goes where the server says one goes on, as the browser
// does by itself when a page is opened.
function go() {
  const next = document.querySelector("[data-focus]");
  if (!next) return;
  next.removeAttribute("data-focus");
  next.focus();
}

document.addEventListener("mado:placed", go);
document.addEventListener("htmx:afterSettle", go);
