// Registers offline.js, keeps the first page that a reader visits, and saves the whole book where a page offers it.

const AT_ONCE = 8;
const root = new URL(document.documentElement.dataset.content_root, location.href);
const place = document.getElementById("save-offline");

/** The files of the book, and the cache that the worker of the same build reads. */
async function book() {
  const { version, bytes, files } = await (await fetch(new URL("offline.json", root), { cache: "no-cache" })).json();
  const addresses = files.map(file => new URL(file, root).href);
  return { cache: await caches.open(`${root.href}@${version}`), bytes, addresses };
}

/** This page and what it loaded came before the worker: keep them too. */
async function keepThisPage() {
  const loaded = performance.getEntriesByType("resource").map(({ name }) => name);
  const own = [...new Set([location.href.split("#")[0], ...loaded])].filter(address => address.startsWith(root.href));
  const { cache } = await book();
  await Promise.allSettled(own.map(address => cache.add(address)));
}

async function saveBook(show) {
  const { cache, addresses } = await book();
  for (let at = 0; at < addresses.length; at += AT_ONCE) {
    show(at, addresses.length);
    await cache.addAll(addresses.slice(at, at + AT_ONCE));
  }
  await cache.put(new URL("saved", root), new Response());
}

function say(text) {
  place.querySelector("[role=status]").textContent = text;
}

async function save(button) {
  button.disabled = true;
  try {
    await saveBook((done, all) => say(`Saving: ${done} of ${all} files`));
    say("Saved. Every page opens without a network now; running Python in a page still needs one.");
  } catch {
    button.disabled = false;
    say("Not all of it could be saved. Check the connection and press again.");
  }
}

async function offerToSave() {
  const { bytes } = await book();
  const button = Object.assign(document.createElement("button"), { type: "button", className: "sd-btn sd-btn-outline-primary" });
  button.textContent = `Save this book for offline reading (${(bytes / 1e6).toFixed(1)} MB)`;
  button.addEventListener("click", () => save(button));
  const status = document.createElement("span");
  status.setAttribute("role", "status");
  place.replaceChildren(button, " ", status);
  if (await caches.match(new URL("saved", root))) say("Saved.");
}

async function start() {
  const controlled = new Promise(resolve => {
    navigator.serviceWorker.addEventListener("controllerchange", resolve, { once: true });
  });
  const first = !navigator.serviceWorker.controller;
  await navigator.serviceWorker.register(new URL("offline.js", root));
  if (place) await offerToSave();
  if (first) await controlled.then(keepThisPage);
  document.documentElement.dataset.offline = "ready";
}

// Without the worker, as on a page opened from disk, or without a network the page is read as it is.
if ("serviceWorker" in navigator && location.protocol.startsWith("http")) start().catch(() => {});
