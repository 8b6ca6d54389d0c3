// Puts a ready text, such as the add-friend link, into the composer where the caret is (S35).
import { insert } from "./typing.js";

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("button[data-insert]");
  const text = button?.form?.elements.text;
  if (!text) return;
  const { selectionStart: from, selectionEnd: to, value } = text;
  const before = from > 0 && !/\s/.test(value[from - 1]) ? " " : "";
  const after = to < value.length && !/\s/.test(value[to]) ? " " : "";
  text.focus();
  insert(text, before + button.dataset.insert + after);
});
