// What is typed is kept on the server within a second, and once more when the page goes away (U2).
import { token } from "./csrf.js";
import { patience } from "./patience.js";

const PAUSE = 600;

export class Draft {
  constructor(address, sign, read) {
    Object.assign(this, { address, sign, read, kept: JSON.stringify(read()) });
    this.leave = () => this.flush();
    // A reload asks for the page before "pagehide": only what leaves earlier is in it.
    addEventListener("beforeunload", this.leave);
    addEventListener("pagehide", this.leave);
    document.addEventListener("visibilitychange", this.leave);
  }

  changed() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.keep(), PAUSE);
  }

  // Keeps one request on its way at a time, so that an older text never overwrites a newer one.
  async keep(options = {}) {
    clearTimeout(this.timer);
    this.timer = undefined;
    const state = this.read(), wanted = JSON.stringify(state);
    if (wanted === this.kept) return;
    if (this.busy && !options.keepalive) return this.changed();
    this.busy = fetch(this.address, { method: "POST", body: new URLSearchParams(state), headers: { "HX-Request": "true", "X-CSRFToken": token() }, signal: patience(), ...options })
      .then((answer) => { if (answer.status === 204) this.kept = wanted; else throw new Error(String(answer.status)); })
      .then(() => this.say("kept"), () => this.say("unkept"));
    await this.busy;
    this.busy = undefined;
  }

  say(word) {
    this.sign.textContent = this.read().text ? this.sign.dataset[word] : "";
    this.sign.classList.toggle("is-bad", word === "unkept");
  }

  // The page goes away or the conversation is left: the last words leave with it.
  flush() {
    if (this.isGone || this.timer === undefined) return;
    this.keep({ keepalive: true });
  }

  // Before sending: nothing of this text may arrive later than the message and become a draft again.
  async settled() {
    clearTimeout(this.timer);
    this.timer = undefined;
    await Promise.race([this.busy, new Promise((done) => setTimeout(done, 1500))]);
  }

  // The server forgets a draft with the message; only what was typed since is new.
  forget(rest) {
    this.kept = JSON.stringify({ ...this.read(), text: "" });
    this.sign.textContent = "";
    if (rest) this.changed();
  }
}
