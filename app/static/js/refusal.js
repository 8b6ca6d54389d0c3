// While a chat's channel is out of its group nothing can be sent: the composer offers notes alone, and
// replies again as soon as the channel is back (S28). What was typed stays.
class Refusal extends HTMLElement {
  static observedAttributes = ["data-refuses"];

  connectedCallback() { this.apply(); }
  attributeChangedCallback() { if (this.isConnected) this.apply(); }

  apply() {
    const form = this.parentElement.querySelector("mado-composer form");
    if (!form) return;
    const refuses = "refuses" in this.dataset, reply = form.querySelector("[name=mode][value=reply]");
    if (reply.disabled === refuses) return;
    reply.disabled = refuses;
    // A note that somebody is writing stays a note.
    if (refuses || !form.elements.text.value) form.elements.mode.value = refuses ? "note" : "reply";
    form.dispatchEvent(new Event("change"));
  }
}

customElements.define("mado-refusal", Refusal);
