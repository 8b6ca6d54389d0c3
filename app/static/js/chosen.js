// What macros do besides: steps that wait under the text until it is sent, each with a box that leaves
// it out (R8).
const undoable = new WeakMap();

// The marks of what is to be done, as the server reads them.
export const marks = (form) => [...form.querySelectorAll("[name=step]:checked")].map((box) => box.value).join(" ");

const changed = (form) => form.dispatchEvent(new Event("change"));

document.addEventListener("mado:picked", ({ target, detail: { row, before } }) => {
  const form = target.closest("form"), place = form.querySelector("[data-chosen-place]");
  // The same macro once more waits once.
  const mark = row.querySelector("[name=step]").value;
  place.querySelector(`[value="${mark}"]`)?.closest(".chosen").remove();
  place.append(row);
  undoable.set(form.elements.text, { before, row });
  form.querySelector("[data-macro-said]").textContent = `${row.getAttribute("aria-label")}: ${row.textContent}`;
  changed(form);
});

// Ctrl+Z that takes a macro's text out takes these out, too.
document.addEventListener("input", ({ target, inputType }) => {
  const { before, row } = undoable.get(target) ?? {};
  if (inputType !== "historyUndo" || !row || target.value !== before) return;
  undoable.delete(target);
  row.remove();
  changed(target.form);
});

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-drop-chosen]");
  if (!button) return;
  const { form } = button;
  button.closest(".chosen").remove();
  form.elements.text.focus();
  changed(form);
});

// What was chosen while a message was on its way stays for the next one.
document.addEventListener("mado:sent", ({ target, detail }) => {
  for (const row of target.querySelectorAll(".chosen")) {
    const boxes = [...row.querySelectorAll("[name=step]:checked")];
    if (boxes.every((box) => detail.steps.includes(box.value))) row.remove();
  }
});
