// One pull at a time: what changed meanwhile is one more, and one that failed is tried again.
export const AGAIN = 2000;

export class Pulls {
  constructor(pull) { this.pull = pull; }

  async ask() {
    if (this.isPulling) { this.isDue = true; return; }
    this.isPulling = true;
    clearTimeout(this.again);
    try {
      await this.pull();
    } catch {
      // Cut, or the server is busy. The cursor still stands where it stood, and nobody tells twice.
      this.again = setTimeout(() => this.ask(), AGAIN);
    } finally {
      this.isPulling = false;
    }
    if (this.isDue) { this.isDue = false; this.ask(); }
  }

  stop() { clearTimeout(this.again); }
}
