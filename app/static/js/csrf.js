// Forms that were rendered for everybody carry no token: it is added here, on the way out.
const meta = document.querySelector('meta[name="csrf-token"]');

export const token = () => meta.content;

// After signing in again in another tab the old token is dead. Say whether this browser is signed in.
export async function renew() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok || new URL(answer.url).pathname.startsWith("/sign-in")) return false;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  meta.content = page.querySelector('meta[name="csrf-token"]')?.content ?? meta.content;
  for (const input of document.querySelectorAll('input[name="csrf_token"]')) input.value = meta.content;
  return true;
}

document.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.verb !== "get") event.detail.headers["X-CSRFToken"] = token();
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || form.elements.namedItem("csrf_token")) return;
  const input = document.createElement("input");
  Object.assign(input, { type: "hidden", name: "csrf_token", value: token() });
  form.append(input);
}, true);
