// A list whose items can be carried to another place: by their grips with the pointer, or with the
// keyboard (Space holds and drops, arrows move, Escape puts back). Dropping presses the item's own
// button, so the server hears the same as from the buttons "up" and "down".
class Order extends HTMLElement {
  #held = null;
  #before = [];

  connectedCallback() {
    this.addEventListener("pointerdown", (event) => this.#grab(event));
    this.addEventListener("pointermove", (event) => this.#drag(event));
    this.addEventListener("pointerup", () => this.#isDragging() && this.#drop());
    this.addEventListener("pointercancel", () => this.#isDragging() && this.#putBack());
    this.addEventListener("keydown", (event) => this.#press(event));
    this.addEventListener("focusout", () => this.#held && !this.#isDragging() && this.#putBack());
    this.addEventListener("htmx:afterRequest", (event) => this.#answered(event));
  }

  get #items() { return [...this.querySelector("ol").children]; }

  #grab(event) {
    const grip = event.target.closest("[data-grip]");
    if (!grip || event.button || this.#held) return;
    event.preventDefault();
    grip.focus();
    grip.setPointerCapture(event.pointerId);
    this.#hold(grip);
    this.#held.dataset.dragged = "";
  }

  #isDragging() { return this.#held?.dataset.dragged === ""; }

  // The others step aside: the held one never leaves the document, which would end the drag.
  #drag({ clientY }) {
    let by = 0;
    while (this.#isDragging() && (by = this.#towards(clientY))) this.#step(by);
  }

  #towards(y) {
    const middle = (item) => { const box = item.getBoundingClientRect(); return box.top + box.height / 2; };
    const above = this.#held.previousElementSibling, below = this.#held.nextElementSibling;
    if (above && y < middle(above)) return -1;
    return below && y > middle(below) ? 1 : 0;
  }

  #press(event) {
    const grip = event.target.closest("[data-grip]");
    const act = grip && (this.#held ? this.#keys[event.key] : { " ": () => this.#hold(grip), Enter: () => this.#hold(grip) }[event.key]);
    if (!act) return;
    event.preventDefault();
    act();
  }

  #keys = {
    " ": () => this.#drop(),
    Enter: () => this.#drop(),
    Escape: () => this.#putBack(),
    ArrowUp: () => this.#step(-1),
    ArrowDown: () => this.#step(1),
  };

  #hold(grip) {
    this.#held = grip.closest("li");
    this.#before = this.#items;
    this.#held.classList.add("is-held");
    grip.setAttribute("aria-pressed", "true");
    this.#say("held");
  }

  #step(by) {
    const other = by < 0 ? this.#held.previousElementSibling : this.#held.nextElementSibling;
    if (!other) return;
    if (by < 0) this.#held.after(other);
    else this.#held.before(other);
    this.#held.scrollIntoView({ block: "nearest" });
    this.#say("moved");
  }

  #drop() {
    const held = this.#let(), place = this.#items.indexOf(held);
    if (place === this.#before.indexOf(held)) return;
    const button = held.querySelector("[data-drop]");
    button.value = place;
    button.click();
  }

  // Here too it is the others that move, so that the focus stays on the grip.
  #putBack() {
    const at = this.#before.indexOf(this.#held);
    this.#held.before(...this.#before.slice(0, at));
    this.#held.after(...this.#before.slice(at + 1));
    this.#say("back");
    this.#let();
  }

  #answered({ detail }) {
    if (!detail.successful && this.#before.length) this.querySelector("ol").replaceChildren(...this.#before);
    this.#before = [];
  }

  #let() {
    const held = this.#held;
    this.#held = null;
    delete held.dataset.dragged;
    held.classList.remove("is-held");
    held.querySelector("[data-grip]").setAttribute("aria-pressed", "false");
    return held;
  }

  #say(word) {
    const items = this.#items, place = items.indexOf(this.#held) + 1;
    const known = { name: this.#held.dataset.name, place, count: items.length };
    this.querySelector("[role=status]").textContent = this.dataset[word].replace(/\{(\w+)\}/g, (_all, key) => known[key]);
  }
}

customElements.define("mado-order", Order);
