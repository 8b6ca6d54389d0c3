// Shows <time> in the reader's zone; the server only knows UTC.
const minutes = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const seconds = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

export function showTimes(root) {
  for (const time of root.querySelectorAll("time:empty")) {
    const format = "seconds" in time.dataset ? seconds : minutes;
    time.textContent = format.format(new Date(time.dateTime));
  }
}
