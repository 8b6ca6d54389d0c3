// A field that puts on what is chosen in its list: a choice goes out at once, what was typed on
// Enter. It is empty again when the server has taken it, and keeps what was refused.
const isOffered = (field) => [...field.list.options].some((option) => option.value === field.value);

document.addEventListener("input", (event) => {
  const field = event.target;
  if (!field.matches("[data-empties]") || !isOffered(field)) return;
  // Browsers tell a choice from typing by the kind of input, or by telling no kind.
  if (!event.inputType || event.inputType === "insertReplacementText") field.form.requestSubmit();
});

document.addEventListener("htmx:afterRequest", (event) => {
  const { xhr, requestConfig } = event.detail;
  if (xhr.status !== 200) return;
  for (const field of document.querySelectorAll("[data-empties]")) {
    if (field.value && field.value === requestConfig.parameters[field.name]) field.value = "";
  }
});
