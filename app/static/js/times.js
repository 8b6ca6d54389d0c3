// Shows <time datetime data-as> in the browser's zone and language, and keeps "3 min" true.
import { now } from "./clock.js";

const language = document.documentElement.lang || undefined;
const format = (options) => new Intl.DateTimeFormat(language, options);
const unit = (name) => new Intl.NumberFormat(language, { style: "unit", unit: name, unitDisplay: "short" });

const hour = format({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const day = format({ weekday: "long", day: "numeric", month: "long" });
const dayAndYear = format({ day: "numeric", month: "long", year: "numeric" });
const short = format({ day: "numeric", month: "short" });
const shortAndYear = format({ day: "numeric", month: "short", year: "numeric" });
const full = format({ dateStyle: "medium", timeStyle: "short", hourCycle: "h23" });
const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
const seconds = unit("second"), minutes = unit("minute"), hours = unit("hour"), days = unit("day");

const midnight = (moment) => new Date(moment).setHours(0, 0, 0, 0);
const daysAgo = (moment) => Math.round((midnight(now()) - midnight(moment)) / 86400000);
const isThisYear = (moment) => new Date(moment).getFullYear() === new Date(now()).getFullYear();
const capital = (text) => text.charAt(0).toLocaleUpperCase(language) + text.slice(1);

export function waitingText(past) {
  const s = Math.max(0, Math.floor(past / 1000));
  if (s < 60) return seconds.format(s);
  if (s < 3600) return minutes.format(Math.floor(s / 60));
  if (s < 86400) return `${hours.format(Math.floor(s / 3600))} ${minutes.format(Math.floor((s % 3600) / 60))}`;
  return days.format(Math.floor(s / 86400));
}

export function dayText(moment) {
  const ago = daysAgo(moment);
  if (ago === 0 || ago === 1) return capital(relative.format(-ago, "day"));
  return (isThisYear(moment) ? day : dayAndYear).format(moment);
}

const shown = {
  time: (moment) => hour.format(moment),
  day: dayText,
  full: (moment) => full.format(moment),
  short: (moment) => (daysAgo(moment) === 0 ? hour : isThisYear(moment) ? short : shortAndYear).format(moment),
  ago(moment) {
    const past = now() - moment;
    if (past < 60000) return relative.format(0, "second");
    if (past < 3600000) return relative.format(-Math.floor(past / 60000), "minute");
    return shown.short(moment);
  },
  waiting: (moment) => waitingText(now() - moment),
};

// Write only what changed: a needless write disturbs selections and observers.
function showOne(element) {
  const moment = new Date(element.dateTime);
  const text = shown[element.dataset.as]?.(moment);
  if (text === undefined || Number.isNaN(moment.getTime())) return;
  if (element.textContent !== text) element.textContent = text;
  if (!element.title && element.dataset.as !== "full") element.title = full.format(moment);
  if (element.dataset.as !== "waiting") return;
  const past = now() - moment;
  element.classList.toggle("is-long", past >= 120000 && past < 300000);
  element.classList.toggle("is-very-long", past >= 300000);
}

export function show(root) {
  if (root.matches?.("time[data-as]")) showOne(root);
  for (const element of root.querySelectorAll("time[data-as]")) showOne(element);
}

show(document.body);
new MutationObserver((changes) => {
  for (const change of changes) for (const node of change.addedNodes) if (node.nodeType === 1) show(node);
}).observe(document.body, { childList: true, subtree: true });

let ticks = 0;
setInterval(() => {
  if (document.hidden) return;
  const due = ticks++ % 20 === 0 ? "time[data-as]" : 'time[data-as="waiting"]';
  for (const element of document.querySelectorAll(due)) showOne(element);
}, 1000);
