// Sends forms without leaving the page. When the answer is another talk, one goes there.
import { here, take } from "./live.js";

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("[data-act]")) return;
  event.preventDefault();
  if (form.dataset.busy) return;
  form.dataset.busy = "yes";
  try {
    await send(form, event.submitter);
  } finally {
    delete form.dataset.busy;
  }
});

async function send(form, submitter) {
  const fields = new FormData(form, submitter?.name ? submitter : null);
  const body = form.enctype === "multipart/form-data" ? fields : new URLSearchParams(fields);
  const answer = await fetch(submitter?.getAttribute("formaction") ?? form.action, { method: "POST", body });
  if (answer.ok && form.matches("[data-compose]")) quoteNothing();
  if (answer.ok && new URL(answer.url).pathname !== new URL(here(), location).pathname) {
    return location.assign(answer.url);
  }
  await take(answer);
  if (answer.ok) form.dispatchEvent(new CustomEvent("done", { bubbles: true, detail: submitter?.value }));
}

// What was quoted has been sent; the page one asks for again quotes nothing.
function quoteNothing() {
  const address = new URL(here(), location);
  address.searchParams.delete("quote");
  document.body.dataset.here = address.pathname + address.search;
}
