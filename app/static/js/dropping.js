// Files dragged over the page or pasted: they go into the open composer, and never open in place of
// the page.
const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
const target = () => document.querySelector("mado-attachments");

let depth = 0;
function mark(step) {
  depth = step ? Math.max(0, depth + step) : 0;
  target()?.closest("[data-conversation]")?.classList.toggle("is-dropping", depth > 0);
}

document.addEventListener("dragenter", (event) => { if (carriesFiles(event)) mark(1); });
document.addEventListener("dragleave", (event) => { if (carriesFiles(event)) mark(-1); });
document.addEventListener("dragover", (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  event.dataTransfer.dropEffect = target() ? "copy" : "none";
});
document.addEventListener("drop", (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  mark(0);
  target()?.add(event.dataTransfer.files);
});

// Office programs put a picture of the text beside the text: the text is meant.
document.addEventListener("paste", (event) => {
  const { files, types } = event.clipboardData;
  if (!files.length || types.includes("text/plain") || !event.target.closest("mado-composer")) return;
  event.preventDefault();
  target()?.add(files);
});
