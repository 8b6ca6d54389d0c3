// The socket says that something changed; the page then asks the server what (S16). Every loss of
// the socket ends in a full look around, so nothing is missing and nothing is doubled.
import "./chats_icon.js";
import { parse, place } from "./lists.js";
import { signedOut } from "./answers.js";
import { AGAIN } from "./pulls.js";

const SIGNED_OUT = 4401;
const POLL = 5000;
const PULSE = 25000;
const PATIENCE = 10000;
const LONGEST_PAUSE = 8000;
const ALWAYS = new Set(["incoming", "responses"]);

let socket = null;
let tries = 0;
let retry, lost, silence;
let known = new Set();
let unanswered = [];
const missed = new Set();
let seen = Date.now();

const isOpen = () => socket?.readyState === WebSocket.OPEN;
const isSignedOut = () => "signedOut" in document.documentElement.dataset;
const topicsOfPage = () => new Set([...document.querySelectorAll("[data-topic]")].map((element) => element.dataset.topic));

function connect() {
  clearTimeout(retry);
  if (isOpen() || socket?.readyState === WebSocket.CONNECTING || isSignedOut()) return;
  socket = new WebSocket(`${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}/live`);
  // A handshake that nobody answers would stand in the way of every other one.
  silence = setTimeout(drop, PATIENCE);
  socket.onopen = () => { clearTimeout(silence); tries = 0; known = new Set(); setConnected(true); subscribe(); };
  socket.onmessage = (event) => heard(JSON.parse(event.data));
  socket.onclose = closed;
}

function heard(message) {
  if (message.type === "changed") refresh(message.topics);
  if (message.type === "incoming") place(parse(message.html).firstElementChild);
  if (message.type !== "subscribed") return;
  // Only now does the server know these regions: what is fetched from here on misses nothing.
  clearTimeout(silence);
  refresh(unanswered.splice(0));
}

// Each try waits longer, none of them longer than ten seconds, and never all pages at once.
function closed(event) {
  socket = null;
  clearTimeout(silence);
  if (event.code === SIGNED_OUT) return signedOut();
  setConnected(false);
  const pause = Math.min(LONGEST_PAUSE, 400 * 2 ** tries++);
  retry = setTimeout(connect, pause * (0.5 + Math.random() / 2));
}

// A dead connection may take minutes to say so: leave it without asking.
function drop() {
  if (!socket) return;
  socket.onclose = socket.onmessage = socket.onopen = null;
  socket.close();
  closed({ code: 1006 });
}

// A restart of the server takes a moment and is nobody's news; what lasts is.
function setConnected(is) {
  clearTimeout(lost);
  const banner = document.querySelector("#banner-offline");
  document.documentElement.dataset.live = is ? "on" : "off";
  if (is) banner.hidden = true;
  else lost = setTimeout(() => { banner.hidden = isSignedOut(); }, navigator.onLine ? 2500 : 0);
}

function refresh(topics) {
  for (const element of document.querySelectorAll("[data-topic]")) {
    if (!topics || topics.includes(element.dataset.topic)) htmx.trigger(element, "changed");
  }
}

// What a region asked for did not come, and a socket that lives tells nobody twice.
function askAgain({ target, detail }) {
  const topic = target.dataset?.topic, isBusy = !detail.xhr?.status || detail.xhr.status >= 500;
  if (!topic || !isBusy || missed.has(topic)) return;
  missed.add(topic);
  setTimeout(() => { missed.delete(topic); if (isOpen()) refresh([topic]); }, AGAIN);
}

// The server answers each subscription; no answer means that nobody is there any more.
function subscribe({ isPulse = false } = {}) {
  const topics = topicsOfPage();
  const fresh = [...topics].filter((topic) => !known.has(topic));
  if (!isOpen() || !(fresh.length || isPulse)) return;
  unanswered.push(...fresh);
  known = topics;
  socket.send(JSON.stringify({ subscribe: [...topics].filter((topic) => !ALWAYS.has(topic)) }));
  clearTimeout(silence);
  silence = setTimeout(drop, PATIENCE);
}

// Without a socket the page asks by itself; a machine that slept has an old socket.
function tick() {
  const slept = Date.now() - seen > POLL * 4;
  seen = Date.now();
  if (slept) drop();
  if (!isOpen() && !isSignedOut()) refresh();
}

document.addEventListener("htmx:afterSettle", () => subscribe());
document.addEventListener("htmx:responseError", askAgain);
document.addEventListener("htmx:sendError", askAgain);
document.addEventListener("mado:unanswered", askAgain);
document.addEventListener("mado:signed-in", connect);
document.addEventListener("visibilitychange", () => { if (!document.hidden) { tick(); connect(); } });
addEventListener("online", connect);
addEventListener("offline", drop);
addEventListener("pagehide", () => socket?.close());
addEventListener("pageshow", (event) => { if (event.persisted) { drop(); connect(); } });
setInterval(tick, POLL);
setInterval(() => subscribe({ isPulse: true }), PULSE);
connect();
