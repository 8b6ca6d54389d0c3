// Offers the browser's own time zone where one is asked for, and fills it in where none stands yet.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

function offer(root) {
  for (const button of root.querySelectorAll("[data-browser-zone]")) {
    const field = document.getElementById(button.dataset.browserZone);
    if (!zone || !field) continue;
    if (!field.value) field.value = zone;
    button.textContent = button.dataset.label.replace("{zone}", zone);
    button.hidden = field.value === zone;
    button.onclick = () => { field.value = zone; button.hidden = true; field.focus(); };
  }
}

document.addEventListener("htmx:afterSettle", (event) => offer(event.target.parentElement ?? document));
offer(document);
