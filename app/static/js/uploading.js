// One file on its way to the server: how far it is, how to stop it, and what came of it.
import { signedOut } from "./answers.js";
import { renew, token } from "./csrf.js";

// `done` becomes { text } with the answer, or { word, text }: why it is not there. It never fails.
export function upload(address, file, tell) {
  const request = new XMLHttpRequest();
  const done = new Promise((resolve) => {
    request.upload.addEventListener("progress", (event) => tell(Math.floor((event.loaded / event.total) * 100)));
    request.addEventListener("load", async () => resolve(await judge(request)));
    for (const end of ["error", "abort", "timeout"]) request.addEventListener(end, () => resolve({ word: "offline" }));
  });
  request.open("POST", address);
  const headers = { "HX-Request": "true", "X-CSRFToken": token(), "X-Filename": encodeURIComponent(file.name.toWellFormed?.() ?? file.name), "Content-Type": "application/octet-stream" };
  for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
  request.send(file);
  return { done, stop: () => request.abort() };
}

async function judge(request) {
  const { status, responseText: text } = request;
  if (status === 201) return { text };
  if (status === 413 || status === 422) return { word: "refused", text };
  // 403 is what a token from before the last sign-in gets; with the new one "Try again" succeeds.
  const isOut = status === 401 || (status === 403 && !(await renew().catch(() => true)));
  if (isOut) signedOut();
  return { word: isOut ? "signed-out" : "broken" };
}
