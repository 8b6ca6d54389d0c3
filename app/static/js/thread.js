// An open conversation: it pulls what changed, each bubble enters once, and nothing jumps (U11).
import { adjust } from "./clock.js";
import { signedOut } from "./answers.js";
import { parse, place } from "./lists.js";
import { show } from "./times.js";
import { arrange } from "./days.js";
import { trim } from "./older.js";
import { Pulls } from "./pulls.js";
import { patience } from "./patience.js";

const NEAR = 48;

class Thread extends HTMLElement {
  connectedCallback() {
    this.scroller = this.querySelector(".thread-scroll");
    this.list = this.querySelector(".thread");
    this.button = this.querySelector(".to-newest");
    this.pulls = new Pulls(() => this.pull());
    this.unseen = 0;
    this.isPinned = true;
    show(this);
    arrange(this.list);
    this.toEnd();
    this.scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
    this.button.addEventListener("click", () => this.toEnd());
    this.addEventListener("changed", (event) => { if (event.target === this) this.sync(); });
    // Pictures that load and a composer that grows push the end down; who was there stays there.
    this.sizes = new ResizeObserver(() => { if (this.isFollowing()) this.toEnd(); });
    this.sizes.observe(this.scroller);
    this.sizes.observe(this.list);
    const conversation = this.closest("[data-conversation]");
    conversation?.addEventListener("mado:sent", () => { this.isPinned = true; this.sync(); });
    this.addEventListener("htmx:afterRequest", (event) => { if (event.target.matches("[data-then-sync]")) this.sync(); });
  }

  disconnectedCallback() { this.sizes.disconnect(); this.pulls.stop(); }

  toEnd() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.scrolled();
  }

  isAtEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    return scrollHeight - scrollTop - clientHeight < NEAR;
  }

  // Who scrolled up a moment ago is believed before the browser tells of it.
  isFollowing() { return this.isPinned && (this.scroller.scrollTop >= this.top - 1 || this.isAtEnd()); }

  scrolled() {
    this.top = this.scroller.scrollTop;
    this.isPinned = this.isAtEnd();
    if (this.isPinned) this.unseen = 0;
    this.button.hidden = this.isPinned;
    const words = this.button.querySelector("span");
    words.textContent = this.unseen ? this.dataset.wordsNew.replace("{n}", this.unseen) : this.dataset.wordsNewest;
    if (this.isPinned) this.dispatchEvent(new CustomEvent("mado:shown", { bubbles: true }));
  }

  sync() { return this.pulls.ask(); }

  async pull() {
    // Names change in every bubble that is here, however far up somebody went.
    const oldest = this.list.querySelector("[data-id]")?.dataset.id ?? 0;
    const answer = await fetch(`${this.dataset.source}since=${this.dataset.cursor}&oldest=${oldest}`, { headers: { "HX-Request": "true" }, signal: patience() });
    adjust(answer.headers.get("Date"));
    if (answer.status === 401 || new URL(answer.url).pathname.startsWith("/sign-in")) return signedOut();
    if (answer.status === 404) return this.lost();
    if (answer.status >= 500) throw new Error("busy");
    if (!answer.ok || !this.isConnected) return;
    const changes = parse(await answer.text()).firstElementChild;
    show(changes);
    this.merge([...changes.children]);
    this.dataset.cursor = changes.dataset.cursor;
    if ("more" in changes.dataset) this.pulls.isDue = true;
  }

  // Deleted, or not for these eyes any more: nothing more of it comes or is read, and the page says so.
  lost() {
    delete this.dataset.topic;
    delete this.dataset.reading;
    this.scroller.append(this.querySelector("template.lost").content);
    this.toEnd();
  }

  merge(elements) {
    const wasPinned = this.isFollowing(), height = this.scroller.scrollTop;
    for (const element of elements) {
      if (!element.matches(".message, .system-line")) place(element);
      else if (document.getElementById(element.id)) this.change(element);
      else this.insert(element);
    }
    arrange(this.list);
    if (wasPinned) { trim(this.list); this.toEnd(); } else { this.scroller.scrollTop = height; this.scrolled(); }
  }

  // "Stop trying" may have become "Try again": htmx must learn its new address.
  change(bubble) {
    Idiomorph.morph(document.getElementById(bubble.id), bubble);
    htmx.process(document.getElementById(bubble.id));
  }

  // By id: a late bubble goes to its place, not to the end.
  insert(bubble) {
    const id = Number(bubble.dataset.id);
    const before = [...this.list.querySelectorAll("[data-id]")].findLast((other) => Number(other.dataset.id) < id);
    bubble.classList.add("is-new");
    if (before) before.after(bubble);
    else this.list.append(bubble);
    htmx.process(bubble);
    if (bubble.matches(".is-in") && !this.isPinned) this.unseen += 1;
  }
}

customElements.define("mado-thread", Thread);
