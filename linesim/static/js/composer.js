// Enter sends, Shift+Enter breaks the line. While an input method composes, Enter only confirms its word:
// browsers tell by isComposing, Safari (which ends composing first) only by key code 229.
const composer = (target) => target.closest?.("[data-compose]");

document.addEventListener("keydown", (event) => {
  const form = composer(event.target);
  if (!form || event.key !== "Enter" || event.shiftKey) return;
  if (event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  if (event.target.value.trim()) form.requestSubmit(form.querySelector(".send"));
});

document.addEventListener("input", (event) => {
  if (composer(event.target)) fit(event.target);
});

// Files that were chosen are sent at once.
document.addEventListener("change", (event) => {
  const form = composer(event.target);
  if (form && event.target.type === "file" && event.target.files.length) form.requestSubmit(form.querySelector("[value=upload]"));
});

document.addEventListener("done", (event) => {
  const form = composer(event.target);
  if (!form) return;
  form.querySelector(".more").open = false;
  const text = form.elements.text;
  if (event.detail === "text") text.value = "";
  form.elements.files.value = "";
  fit(text);
  text.focus();
});

function fit(text) {
  text.rows = 1;
  while (text.rows < 5 && text.scrollHeight > text.clientHeight) text.rows += 1;
}

const shutMenus = (except) => document.querySelectorAll(".more[open]").forEach((menu) => { if (menu !== except) menu.open = false; });
document.addEventListener("pointerdown", (event) => shutMenus(event.target.closest(".more")));
document.addEventListener("keydown", (event) => { if (event.key === "Escape") shutMenus(); });
