// A page once visited opens again without a network. book/_ext/offline.py writes the version of the build.
const CACHE = `${registration.scope}@VERSION`;
const SAVED = new URL("saved", registration.scope); // a mark: this reader wants the whole book

/** A reader who saved the book gets the new one whole, before the old one goes. */
async function install() {
  if (await caches.match(SAVED)) {
    const { files } = await (await fetch("offline.json", { cache: "no-cache" })).json();
    const cache = await caches.open(CACHE);
    await cache.addAll(files.map(file => new Request(file, { cache: "no-cache" })));
    await cache.put(SAVED, new Response());
  }
  await skipWaiting();
}

async function activate() {
  const old = (await caches.keys()).filter(name => name.startsWith(`${registration.scope}@`) && name !== CACHE);
  await Promise.all(old.map(name => caches.delete(name)));
  await clients.claim();
}

/** Files with a digest (?v=) never change; all others are asked for anew while there is a network.
 * A cache that fails, as on a full disk, changes no answer. */
async function answer(event, { href, search }) {
  const { request } = event;
  const page = request.mode === "navigate";
  const cache = await caches.open(CACHE).catch(() => {});
  const kept = (address, options) => cache?.match(address, options).catch(() => {});
  const found = !page && /[?&]v=/.test(search) && await kept(request);
  if (found) return found;
  try {
    const response = await fetch(request);
    const address = page ? href.replace(search, "") : request;
    if (cache && response.status === 200) event.waitUntil(cache.put(address, response.clone()).catch(() => {}));
    return response;
  } catch (error) {
    const older = await kept(request, { ignoreSearch: true }) ?? (page && await kept("404.html"));
    if (older) return older;
    throw error;
  }
}

addEventListener("install", event => event.waitUntil(install()));
addEventListener("activate", event => event.waitUntil(activate()));
addEventListener("fetch", event => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== origin || url.pathname.includes("/pyodide/")) return;
  event.respondWith(answer(event, url));
});
