// The server's time, as far as this browser can know it: computers of agents run wrong.
let offset = Date.parse(document.querySelector('meta[name="server-time"]')?.content ?? "") - Date.now() || 0;

export const now = () => Date.now() + offset;

// A Date header tells whole seconds; only a real difference is worth believing.
export function adjust(dateHeader) {
  const heard = Date.parse(dateHeader ?? "") + 500 - Date.now();
  if (Math.abs(heard - offset) > 2000) offset = heard;
}

document.addEventListener("htmx:afterRequest", (event) => adjust(event.detail.xhr?.getResponseHeader("Date")));
