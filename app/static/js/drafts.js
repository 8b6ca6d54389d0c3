// What is typed is kept on the server within a second, and once more when the page goes away (U2).
// A save that failed is tried again: the text is there, though nobody types on.
import { token } from "./csrf.js";
import { patience } from "./patience.js";
import { AGAIN } from "./pulls.js";

const PAUSE = 600;

export class Draft {
  constructor(address, sign, read) {
    Object.assign(this, { address, sign, read, kept: JSON.stringify(read()), leave: () => this.flush() });
    this.listen("addEventListener");
  }

  // A reload asks for the page before "pagehide": only what leaves earlier is in it.
  listen(way) {
    for (const name of ["beforeunload", "pagehide"]) window[way](name, this.leave);
    for (const name of ["visibilitychange", "mado:signed-in"]) document[way](name, this.leave);
  }

  changed(pause = PAUSE) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.keep(), pause);
  }

  // Keeps one request on its way at a time, so that an older text never overwrites a newer one.
  async keep(options = {}) {
    clearTimeout(this.timer);
    const state = this.read(), wanted = JSON.stringify(state);
    if ([this.kept, this.leaving, this.sending].includes(wanted)) return;
    if (!options.keepalive && this.isReplaced) return;
    if (this.busy && !options.keepalive) return this.changed();
    if (options.keepalive) this.leaving = wanted;
    this.busy = fetch(this.address, { method: "POST", body: new URLSearchParams(state), headers: { "HX-Request": "true", "X-CSRFToken": token() }, signal: patience(), ...options })
      .then(({ status }) => this.answered(status, wanted), () => this.answered(0, wanted));
    await this.busy;
    this.busy = undefined;
  }

  // What a server says that is there, it would say again.
  answered(status, wanted) {
    this.leaving = undefined;
    if (status === 204) this.kept = wanted;
    else if (!status || status >= 500) this.changed(AGAIN);
    this.say(status === 204 ? "kept" : "unkept");
  }

  say(word) {
    this.sign.textContent = this.read().text ? this.sign.dataset[word] : "";
    this.sign.classList.toggle("is-bad", word === "unkept");
  }

  // The page goes away or is looked at again: what is not kept leaves.
  flush() { this.keep({ keepalive: true }); }

  // The conversation is left: the last words leave with it.
  left() {
    this.listen("removeEventListener");
    this.flush();
  }

  // Whoever opened the conversation again writes there.
  get isReplaced() { return !this.sign.isConnected && document.querySelector(`[data-draft="${this.address}"]`) !== null; }

  // Before sending: nothing of this text may arrive later than the message and become a draft again.
  async settled() {
    clearTimeout(this.timer);
    this.sending = JSON.stringify(this.read());
    await Promise.race([this.busy, new Promise((done) => setTimeout(done, 1500))]);
  }

  // The server forgets a draft with the message.
  forget() {
    this.kept = JSON.stringify({ ...this.read(), text: "" });
    this.sign.textContent = "";
  }

  // After sending: what was not sent, or typed since, is a draft again, though nobody types on.
  resume() {
    this.sending = undefined;
    this.keep();
  }
}
