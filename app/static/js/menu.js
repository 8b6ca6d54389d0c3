// The theme: as the system says, or as this browser's user chose.
const root = document.documentElement;
const buttons = document.querySelectorAll("[data-set-theme]");

function mark() {
  for (const button of buttons) {
    button.setAttribute("aria-pressed", String(button.dataset.setTheme === (root.dataset.theme ?? "")));
  }
}

for (const button of buttons) {
  button.addEventListener("click", () => {
    const theme = button.dataset.setTheme;
    if (theme) root.dataset.theme = theme;
    else delete root.dataset.theme;
    localStorage.setItem("mado-theme", theme);
    mark();
  });
}
mark();
