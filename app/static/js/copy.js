// A button that copies the field it names and says so for a moment.
async function write(field) {
  if (navigator.clipboard) return navigator.clipboard.writeText(field.value);
  // Plain http has no clipboard API; the old command still works from a click.
  field.select();
  document.execCommand("copy");
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const words = button.querySelector("span");
  const before = words.textContent;
  await write(document.getElementById(button.dataset.copy));
  words.textContent = button.dataset.done;
  setTimeout(() => { words.textContent = before; }, 1600);
});
