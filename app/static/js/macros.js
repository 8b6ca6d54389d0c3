// Macros: "/" at the beginning of an empty line, or the button, opens a list that narrows as one
// types (R8). The field stays a text box, the only role HTML allows it: which macro is meant is told
// by aria-activedescendant, how many there are by a status.
import { parse } from "./lists.js";
import { insert, isComposing, isTouch } from "./typing.js";

const LONGEST_QUERY = 40;
const plain = (text) => text.normalize("NFKC").toLowerCase();

class Macros extends HTMLElement {
  connectedCallback() {
    this.composer = this.closest("mado-composer");
    this.text = this.composer.querySelector("form").elements.text;
    this.text.addEventListener("input", (event) => this.typed(event));
    this.text.addEventListener("compositionend", () => this.typed({ inputType: "insert" }));
    this.text.addEventListener("blur", () => this.close());
    for (const name of ["click", "keyup"]) this.text.addEventListener(name, () => { if (this.isOpen) this.narrow(); });
    this.composer.addEventListener("keydown", (event) => this.pressed(event), { capture: true });
    this.addEventListener("click", (event) => this.choose(event.target.closest("[role=option]")));
    const button = this.composer.querySelector("[data-opens-macros]");
    button.addEventListener("click", () => (this.isOpen ? this.close() : this.begin(this.text.selectionEnd, 0)));
    // The text keeps the focus, so that one can go on typing.
    for (const one of [this, button]) one.addEventListener("mousedown", (event) => event.preventDefault());
  }

  get isOpen() { return this.from !== undefined; }

  typed({ inputType = "" }) {
    if (this.isOpen) return this.narrow();
    const { value, selectionStart: caret } = this.text;
    const line = value.slice(value.lastIndexOf("\n", caret - 1) + 1).split("\n")[0];
    if (inputType.startsWith("insert") && /^[/／]$/.test(line)) this.begin(caret - 1, 1);
  }

  // `from` is where a macro goes in; what stands between there and the caret is searched for.
  async begin(from, sign) {
    Object.assign(this, { from, sign, all: undefined, query: undefined, isHurried: false });
    if (!sign) this.text.focus();
    const answer = await fetch(this.composer.dataset.macros, { headers: { "HX-Request": "true" } }).catch(() => undefined);
    if (this.from !== from) return;
    if (answer?.status !== 200) return this.close();
    this.replaceChildren(...parse(await answer.text()).childNodes);
    this.list = this.querySelector("[role=listbox]");
    this.all = [...this.list.children].map((option) => ({ option, name: plain(option.querySelector("bdi").textContent), words: plain(option.textContent + option.dataset.text) }));
    this.text.setAttribute("aria-autocomplete", "list");
    this.text.setAttribute("aria-controls", this.list.id);
    this.narrow();
    if (!this.isOpen) return; // what was typed before the caret has been sent meanwhile
    this.say(this.firstElementChild.dataset.said.replace("{count}", this.all.length));
    if (this.isHurried) this.choose(this.list.firstElementChild);
  }

  narrow() {
    const query = this.text.value.slice(this.from + this.sign, this.text.selectionStart);
    const isThere = this.text.selectionStart >= this.from + this.sign && (!this.sign || /[/／]/.test(this.text.value[this.from]));
    if (!isThere || query.includes("\n") || query.length > LONGEST_QUERY) return this.close();
    if (!this.all || query === this.query) return;
    this.query = query;
    const wanted = plain(query).trim();
    const found = [0, 1, 2].flatMap((rank) => this.all.filter((one) => rankOf(one, wanted) === rank));
    this.list.replaceChildren(...found.map((one) => one.option));
    this.querySelector("[data-nothing]").hidden = found.length > 0;
    this.mark(this.list.firstElementChild);
  }

  mark(option) {
    for (const one of this.list.children) one.setAttribute("aria-selected", String(one === option));
    if (option) this.text.setAttribute("aria-activedescendant", option.id);
    else this.text.removeAttribute("aria-activedescendant");
    option?.scrollIntoView({ block: "nearest" });
  }

  pressed(event) {
    if (!this.isOpen || isComposing(event) || event.target !== this.text) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    // What looks like a macro and is none is not sent by mistake.
    const isEnter = event.key === "Enter" && !event.shiftKey && this.all?.length !== 0 && !(isTouch() && this.list?.children.length === 0);
    if (!step && !isEnter && event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key === "Escape") return this.close();
    if (!this.all) { this.isHurried ||= isEnter; return; }
    const options = [...this.list.children], at = options.findIndex((one) => one.ariaSelected === "true");
    if (isEnter) this.choose(options[at]);
    else this.mark(options[(at + step + options.length) % options.length]);
  }

  choose(option) {
    if (!option) return;
    const before = this.text.value, row = option.querySelector("template")?.content.firstElementChild;
    this.text.focus();
    this.text.setSelectionRange(this.from, this.text.selectionStart);
    this.close();
    insert(this.text, option.dataset.text);
    if (row) this.dispatchEvent(new CustomEvent("mado:picked", { bubbles: true, detail: { row, before } }));
  }

  close() {
    this.from = this.all = undefined;
    this.replaceChildren();
    for (const name of ["autocomplete", "controls", "activedescendant"]) this.text.removeAttribute(`aria-${name}`);
  }
  say(words) { this.composer.querySelector("[data-macro-said]").textContent = words; }
}

// By the beginning of its name, by its name, by all the words of it; 3 is not at all.
function rankOf({ name, words }, wanted) {
  if (name.startsWith(wanted)) return 0;
  if (name.includes(wanted)) return 1;
  return wanted.split(/\s+/).every((word) => words.includes(word)) ? 2 : 3;
}

customElements.define("mado-macros", Macros);
