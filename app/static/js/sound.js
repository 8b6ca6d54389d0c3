// Two soft tones when the count rises. Browsers keep a page silent until its user has touched it;
// the menu says which state it is in, and only one tab of a browser rings.
const item = document.querySelector("#sound-test");
const isWanted = document.body.dataset.sound === "on";
let context = null;

function say() {
  if (!item) return;
  const state = !isWanted ? "off" : context?.state === "running" ? "on" : "blocked";
  item.querySelector(".value").textContent = item.dataset[state];
  document.querySelector("#sound-blocked")?.toggleAttribute("hidden", state !== "blocked");
}

async function unlock() {
  if (!isWanted) return;
  context ??= new AudioContext();
  if (context.state !== "running") await context.resume().catch(() => {});
  say();
}

function tone(frequency, start) {
  const oscillator = context.createOscillator(), gain = context.createGain();
  oscillator.frequency.value = frequency;
  gain.gain.setValueAtTime(0, start);
  gain.gain.linearRampToValueAtTime(0.16, start + 0.015);
  gain.gain.exponentialRampToValueAtTime(0.001, start + 0.42);
  oscillator.connect(gain).connect(context.destination);
  oscillator.start(start);
  oscillator.stop(start + 0.45);
}

function play() {
  if (context?.state !== "running") return say();
  tone(740, context.currentTime);
  tone(988, context.currentTime + 0.13);
  document.dispatchEvent(new Event("mado:rang"));
}

// Whoever holds the lock rings for all tabs. Plain http has no locks: then each rings for itself.
export function ring() {
  if (!isWanted) return;
  if (!navigator.locks) return play();
  navigator.locks.request("mado-sound", { ifAvailable: true }, async (lock) => {
    if (!lock || context?.state !== "running") return;
    play();
    await new Promise((done) => setTimeout(done, 1500));
  });
}

for (const name of ["pointerdown", "keydown"]) document.addEventListener(name, unlock, { once: true, capture: true });
item?.addEventListener("click", async () => {
  if (!isWanted) return location.assign("/account");
  await unlock();
  play();
});
for (const button of document.querySelectorAll("[data-sound-test]")) {
  button.addEventListener("click", async () => {
    context ??= new AudioContext();
    await context.resume().catch(() => {});
    play();
  });
}
say();
