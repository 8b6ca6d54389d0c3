// Files for the message that is being written: each goes up at once, one after another, with its
// progress; they belong to the draft on the server, and a hidden field sends each with the message.
import { upload } from "./uploading.js";
import { token } from "./csrf.js";
import { parse } from "./lists.js";

const MEGABYTE = 1_000_000;

class Attachments extends HTMLElement {
  connectedCallback() {
    this.list = this.querySelector(".upload-list");
    this.composer = this.closest("mado-composer");
    this.waiting = [];
    this.input = this.composer.querySelector("input[type=file]");
    this.input.addEventListener("change", () => { this.add(this.input.files); this.input.value = ""; });
    this.composer.addEventListener("submit", (event) => { if (event.target.matches(".removal")) { event.preventDefault(); this.remove(event.submitter); } });
    this.composer.addEventListener("mado:sent", (event) => this.forget(event.detail.files));
  }

  get isEmpty() { return !this.list.children.length; }
  // Nothing is sent without a file that one sees in the strip: neither one on its way nor one that failed.
  get isUnready() { return this.list.querySelector(".is-new") !== null; }

  add(files) {
    for (const file of files) this.begin(file);
    this.next();
  }

  begin(file) {
    const item = this.querySelector("template[data-item]").content.firstElementChild.cloneNode(true);
    item.querySelector(".name").textContent = file.name;
    item.file = file;
    const drop = item.querySelector(".drop"), again = item.querySelector(".again");
    drop.setAttribute("aria-label", this.word("cancel", { name: file.name }));
    drop.addEventListener("click", () => { item.isDropped = true; item.stop?.(); this.take(item, file.name); });
    again.addEventListener("click", () => { this.queue(item); this.next(); drop.focus(); });
    this.list.append(item);
    if (!file.size) return this.fail(item, this.word("empty"), false);
    const most = Number(this.dataset.largestMb);
    if (file.size > most * MEGABYTE) return this.fail(item, this.word("large", { most }), false);
    this.queue(item);
  }

  queue(item) {
    item.classList.remove("has-failed");
    item.querySelector(".again").hidden = true;
    this.tell(item, this.word("waiting"), 0);
    this.waiting.push(item);
  }

  // One at a time: a thread of the server is busy with each. Who opens another chat meanwhile finds
  // them in the draft of this one.
  async next() {
    if (this.current) return;
    const item = this.current = this.waiting.shift();
    if (!item) return;
    if (!item.isDropped) await this.send(item);
    this.current = null;
    this.next();
  }

  async send(item) {
    const sending = upload(this.dataset.address, item.file, (percent) => this.tell(item, percent < 100 ? this.word("progress", { percent }) : this.word("preparing"), percent));
    item.stop = sending.stop;
    const { text, word } = await sending.done;
    if (item.isDropped) return text && !word ? this.remove(parse(text).querySelector("button")) : undefined;
    if (word) return this.fail(item, word === "refused" ? text : this.word(word), word !== "refused");
    item.replaceWith(...parse(text).children);
    this.changed(this.word("attached", { name: item.file.name }));
  }

  fail(item, why, mayTryAgain) {
    item.classList.add("has-failed");
    item.querySelector(".again").hidden = !mayTryAgain;
    item.querySelector(".drop").setAttribute("aria-label", this.word("remove", { name: item.file.name }));
    this.tell(item, why);
    this.changed(`${item.file.name}: ${why}`);
  }

  async remove(button) {
    const item = button.closest(".upload"), body = new URLSearchParams({ upload: button.value });
    const answer = await fetch(`${this.dataset.address}/removal`, { method: "POST", body, headers: { "HX-Request": "true", "X-CSRFToken": token() } }).catch(() => null);
    if (answer?.ok) return this.take(item, item.querySelector(".name").textContent);
    item.querySelector(".said").textContent = this.word(answer ? "broken" : "offline");
  }

  take(item, name) {
    item.remove();
    this.changed(this.word("removed", { name }));
    if (this.isConnected) this.composer.querySelector("textarea").focus();
  }

  forget(ids) {
    for (const id of ids) this.querySelector(`#upload-${id}`)?.remove();
  }

  tell(item, text, percent) {
    item.querySelector(".said").textContent = text;
    item.querySelector("progress").value = percent ?? 0;
  }

  changed(said) {
    this.querySelector("[data-said]").textContent = said;
    if (this.isConnected) this.composer.dispatchEvent(new Event("mado:files"));
  }

  word(name, values = {}) {
    const text = this.querySelector(`template[data-word="${name}"]`).content.textContent;
    return text.replace(/\{(\w+)\}/g, (whole, key) => values[key] ?? whole);
  }
}

customElements.define("mado-attachments", Attachments);
