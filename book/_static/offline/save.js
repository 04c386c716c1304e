// Registers offline.js, keeps the first page that a reader visits, and saves the whole book where a page offers it.
// A classic script and no module, so that it can say what to do when the page was opened as a file.
"use strict";
{
  const AT_ONCE = 8;
  const root = new URL(document.documentElement.dataset.content_root, document.baseURI);
  const mark = new URL("saved", root);
  const place = document.getElementById("save-offline");

  /** The files of the book, and the name of the cache that the worker of the same build reads. */
  async function book() {
    const { version, bytes, files } = await (await fetch(new URL("offline.json", root), { cache: "no-cache" })).json();
    return { name: `${root.href}@${version}`, bytes, addresses: files.map(file => new URL(file, root).href) };
  }

  /** Not what the browser may hold of another build. */
  const anew = address => new Request(address, { cache: "no-cache" });

  /** This page and what it loaded came before the worker: keep them too. */
  async function keepThisPage() {
    const loaded = performance.getEntriesByType("resource").map(({ name }) => name);
    const page = location.origin + location.pathname;
    const own = [...new Set([page, ...loaded])].filter(address => address.startsWith(root.href));
    const cache = await caches.open((await book()).name);
    await Promise.allSettled(own.map(address => cache.add(anew(address))));
  }

  async function saveBook(show) {
    const { name, addresses } = await book();
    const cache = await caches.open(name);
    for (let at = 0; at < addresses.length; at += AT_ONCE) {
      show(at, addresses.length);
      await cache.addAll(addresses.slice(at, at + AT_ONCE).map(anew));
    }
    await cache.put(mark, new Response());
    if (!await caches.has(name)) await saveBook(show); // meanwhile the worker of a new build removed it
  }

  function say(text) {
    place.querySelector("[role=status]").textContent = text;
  }

  async function save(button) {
    button.disabled = true;
    try {
      await saveBook((done, all) => say(`Saving: ${done} of ${all} files`));
      say("Saved. Every page opens without a network now; running Python in a page still needs one.");
    } catch (error) {
      button.disabled = false;
      say(error.name === "QuotaExceededError" ? "There is not enough room on this device to save all of it."
        : "Not all of it could be saved. Check the connection and press again.");
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
    if (await caches.match(mark)) say("Saved.");
    navigator.serviceWorker.addEventListener("controllerchange", async () => {
      if (!status.textContent.startsWith("Saved.") || await caches.match(mark)) return;
      button.disabled = false;
      say("There is a new version of the book. Press again to save it.");
    });
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

  // Without the worker or without a network the page is read as it is.
  if ("serviceWorker" in navigator && location.protocol.startsWith("http")) start().catch(() => {});
  else if (place) place.textContent = location.protocol === "file:"
    ? "This book was opened from files on this device: it can be read here without a network."
    : "This browser cannot save the book for offline reading here.";
}
