// Where agents write. What is typed survives everything: failures, lost connections, an ended chat.
// One press sends one message: the key stays the same until the server has it (U5).
import { renew } from "./csrf.js";
import { signedOut } from "./answers.js";
import { parse } from "./lists.js";
import { marks } from "./chosen.js";
import { Draft } from "./drafts.js";
import { post, written } from "./posting.js";
import { count, isComposing, isTouch, newKey } from "./typing.js";

const isNote = (form) => form.elements.mode.value === "note";

class Composer extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("form");
    this.files = this.querySelector("mado-attachments");
    this.text = this.form.elements.text;
    this.notice = this.querySelector("[data-notice]");
    this.buttons = this.form.querySelectorAll("button.send");
    this.form.elements.key.value = newKey();
    this.draft = new Draft(this.dataset.draft, this.querySelector(".kept"), () => ({ text: this.text.value, mode: this.form.elements.mode.value, step: marks(this.form) }));
    this.text.addEventListener("keydown", (event) => this.pressed(event));
    this.text.addEventListener("input", () => this.typed());
    this.form.addEventListener("change", () => this.switched());
    this.addEventListener("mado:files", () => this.typed());
    // Who chose with the pointer goes on writing; who walks with the arrow keys stays there.
    this.querySelector(".mode").addEventListener("click", (event) => { if (event.detail > 0) this.text.focus(); });
    this.form.addEventListener("submit", (event) => { event.preventDefault(); this.send(); });
    this.count();
    this.label();
  }
  disconnectedCallback() { this.draft.left(); }

  pressed(event) {
    if (event.key !== "Enter" || event.shiftKey || isComposing(event) || isTouch()) return;
    event.preventDefault();
    this.form.requestSubmit();
  }

  typed() {
    if (isNote(this.form)) this.wroteAsNote = true;
    if (this.hasFailed) this.form.elements.key.value = newKey();
    this.hasFailed = false;
    if (!this.text.value) this.wroteAsNote = false;
    this.draft.changed();
    this.count();
  }

  switched() {
    if (isNote(this.form) && this.text.value) this.wroteAsNote = true;
    this.label();
    this.draft.changed();
  }

  label() { this.text.placeholder = this.dataset[isNote(this.form) ? "placeholderNote" : "placeholderReply"]; }
  count() { count(this.querySelector(".counter"), this.text.value.length, Number(this.dataset.limit)); }
  async send() {
    if (this.isPending) return;
    const text = this.text.value;
    if (this.files.isUnready) return this.tell("unready");
    if (!text.trim() && this.files.isEmpty && !marks(this.form)) return this.text.focus();
    if (this.wroteAsNote && !isNote(this.form)) return this.ask();
    this.pending(true);
    this.tell("");
    await this.draft.settled();
    try {
      const body = written(this.form);
      await this.answered(await post(this.form.action, body), text, { files: body.getAll("attachment"), steps: body.getAll("step") });
    } catch {
      this.failed("offline");
    } finally {
      this.pending(false);
      this.draft.resume();
    }
  }

  async answered(answer, text, went) {
    if (answer.ok && new URL(answer.url).pathname.startsWith("/sign-in") || answer.status === 401) { signedOut(); return this.failed("signed-out"); }
    if (answer.ok) return this.sent(text, went, answer);
    if (answer.status === 409 || answer.status === 422) { this.hasFailed = true; return this.notice.replaceChildren(...parse(await answer.text()).childNodes); }
    if (answer.status !== 403) return this.failed("refused");
    if (answer.headers.get("X-Mado") === "looks") return this.failed("looks");
    // 403 is what a token from before the last sign-in gets, and any token after signing out.
    const isIn = await renew().catch(() => true);
    if (!isIn) signedOut();
    this.failed(isIn ? "stale" : "signed-out");
  }

  // What was typed while it was on its way stays. What a macro did may have to be told, or lead on.
  async sent(text, went, answer) {
    this.text.value = this.text.value.startsWith(text) ? this.text.value.slice(text.length).trimStart() : this.text.value;
    this.form.elements.key.value = newKey();
    this.hasFailed = this.wroteAsNote = false;
    this.dispatchEvent(new CustomEvent("mado:sent", { bubbles: true, detail: went }));
    this.draft.forget();
    this.count();
    this.text.focus();
    const next = answer.headers.get("HX-Redirect");
    if (!next) document.querySelector("#toasts").append(...parse(await answer.text()).childNodes);
    // Whoever has opened another chat meanwhile stays there.
    else if (this.isConnected) location.href = next;
  }

  // A note's text is about to go to the contact: once, say so (U21).
  ask() { this.wroteAsNote = false; this.tell("was-note"); }
  failed(word) { this.hasFailed = true; this.tell(word); }
  tell(word) {
    const said = word && this.querySelector(`template[data-says="${word}"]`);
    this.notice.replaceChildren(...(said ? [said.content.cloneNode(true)] : []));
  }

  pending(is) {
    this.isPending = is;
    for (const button of this.buttons) button.setAttribute("aria-busy", String(is));
  }
}

customElements.define("mado-composer", Composer);
