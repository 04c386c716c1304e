// A page once visited opens again without a network. book/_ext/offline.py writes the version of the build.
const CACHE = `${registration.scope}@VERSION`;
const SAVED = new URL("saved", registration.scope); // a mark: this reader wants the whole book

/** A reader who saved the book gets the new one whole, before the old one goes. */
async function install() {
  if (await caches.match(SAVED)) {
    const { files } = await (await fetch("offline.json", { cache: "no-cache" })).json();
    const cache = await caches.open(CACHE);
    await cache.addAll(files);
    await cache.put(SAVED, new Response());
  }
  await skipWaiting();
}

async function activate() {
  const old = (await caches.keys()).filter(name => name.startsWith(`${registration.scope}@`) && name !== CACHE);
  await Promise.all(old.map(name => caches.delete(name)));
  await clients.claim();
}

async function fetchAndKeep(request, cache) {
  const response = await fetch(request);
  if (response.status === 200) await cache.put(request, response.clone());
  return response;
}

/** Files whose address carries a digest never change; all others are asked for anew while there is a network. */
async function answer(request, unchanging) {
  const cache = await caches.open(CACHE);
  const kept = unchanging && await cache.match(request);
  return kept || fetchAndKeep(request, cache).catch(async error => {
    const older = await cache.match(request, { ignoreSearch: true });
    if (older) return older;
    throw error;
  });
}

addEventListener("install", event => event.waitUntil(install()));
addEventListener("activate", event => event.waitUntil(activate()));
addEventListener("fetch", event => {
  const { origin, pathname, search } = new URL(event.request.url);
  if (event.request.method !== "GET" || origin !== location.origin || pathname.includes("/pyodide/")) return;
  event.respondWith(answer(event.request, pathname.includes("/_static/") && /[?&](v|digest)=/.test(search)));
});
