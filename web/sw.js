/**
 * Keeps the app's own files, whole versions of them, so that the page opens with no network. It asks on
 * each visit whether the site's version is still the kept one. Models are kept elsewhere: engine/store/store.js.
 */

const worker = /** @type {Scope} */ (/** @type {unknown} */ (self));
const LISTING = "app.json"; // written with the site: its version, and the SHA-256 and bytes of each file
const FOLDERS = new Set(["", "chat", "engine", "pyodide", "python"]); // those of the listing; models lie elsewhere
const PREFIX = `gemtab ${worker.registration.scope} `; // an origin may hold several sites
const WAIT_MS = 4000;

/** @typedef {{ version: string, files: Record<string, string> }} Site */
/** @typedef {ExtendableEvent & { request: Request, respondWith(response: Promise<Response>): void }} FetchEvent */
/** @typedef {Event & { waitUntil(work: Promise<unknown>): void }} ExtendableEvent */
/**
 * @typedef {object} Scope  what TypeScript's DOM library leaves out
 * @property {{ scope: string }} registration
 * @property {() => Promise<void>} skipWaiting
 * @property {(type: string, heard: (event: any) => void) => void} addEventListener
 */

/** The cache to answer from on this visit; null where the network must answer. @type {Promise<Cache | null> | null} */
let visit = null;
/** Whether this visit has reached the site, and its version is the kept one. */
let isCurrent = false;

worker.addEventListener("install", (/** @type {ExtendableEvent} */ event) => {
  event.waitUntil(install());
});

worker.addEventListener("fetch", (/** @type {FetchEvent} */ event) => {
  const name = nameOf(event.request);
  if (name === null) return;
  if (event.request.mode === "navigate") [visit, isCurrent] = [null, false];
  // A browser keeps WebAssembly compiled only if no worker answers for it: 0.7 s of each start.
  if (isCurrent && name.endsWith(".wasm")) return;
  event.respondWith(answer(event, name));
});

async function install() {
  const site = await fetchListing();
  if (!site) throw new Error("This site keeps no app: build it with `gemtab build`.");
  await keep(site);
  await worker.skipWaiting();
}

/**
 * @param {FetchEvent} event
 * @param {string} name
 */
async function answer(event, name) {
  const cache = await (visit ??= check(event));
  return (await cache?.match(urlOf(name))) ?? fetch(event.request);
}

/**
 * The kept version, if it is that of the site, or the site cannot be reached; else the new one is fetched
 * for the next visit.
 *
 * @param {FetchEvent} event
 */
async function check(event) {
  const kept = await findKept();
  try {
    const site = await fetchListing();
    isCurrent = site !== null && site.version === kept?.site.version;
    if (site?.version === kept?.site.version) return kept?.cache ?? null;
    if (site) event.waitUntil(keep(site).catch(() => {})); // the next visit tries again
    return null;
  } catch {
    return kept?.cache ?? null;
  }
}

/** @returns {Promise<Site | null>} null if the site has none; throws where it cannot be reached */
async function fetchListing() {
  const response = await fetch(urlOf(LISTING), { cache: "no-cache", signal: AbortSignal.timeout(WAIT_MS) });
  if (response.status >= 500) throw new Error(`the server answered ${response.status}`);
  return response.ok ? response.json() : null;
}

/**
 * Fetch a version whole, then let go of others.
 *
 * @param {Site} site
 */
async function keep(site) {
  const name = PREFIX + site.version;
  const cache = await caches.open(name);
  const older = await findKept();
  for (const [file, hash] of Object.entries(site.files)) {
    if (await cache.match(urlOf(file))) continue;
    const same = older?.site.files[file] === hash ? await older.cache.match(urlOf(file)) : null;
    await cache.put(urlOf(file), same ?? (await fetchProven(urlOf(file), hash)));
  }
  await cache.put(urlOf(LISTING), Response.json(site)); // last: from here on the version is whole
  for (const other of await ourCaches()) if (other !== name) await caches.delete(other);
}

/**
 * @param {string} url
 * @param {string} hash
 */
async function fetchProven(url, hash) {
  const response = await fetch(url, { cache: "no-cache" });
  const bytes = await response.arrayBuffer();
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const found = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (found !== hash) throw new Error(`${url} is not that of this version`); // the site is being changed just now
  const headers = new Headers();
  for (const name of ["Content-Type", "Content-Security-Policy"]) {
    const value = response.headers.get(name);
    if (value) headers.set(name, value);
  }
  return new Response(bytes, { headers });
}

/** @returns {Promise<{ site: Site, cache: Cache } | null>} the version that is kept whole */
async function findKept() {
  for (const name of await ourCaches()) {
    const cache = await caches.open(name);
    const listing = await cache.match(urlOf(LISTING));
    if (listing) return { site: await listing.json(), cache };
  }
  return null;
}

async function ourCaches() {
  return (await caches.keys()).filter((name) => name.startsWith(PREFIX));
}

/**
 * @param {Request} request
 * @returns {string | null} the file's name in the site; null if it is none of the app's
 */
function nameOf({ method, url }) {
  const { scope } = worker.registration;
  const path = url.split(/[?#]/)[0];
  if (method !== "GET" || !path.startsWith(scope)) return null;
  const name = path.slice(scope.length) || "index.html";
  const folder = name.includes("/") ? name.split("/")[0] : "";
  return FOLDERS.has(folder) ? name : null;
}

/** @param {string} name */
function urlOf(name) {
  return worker.registration.scope + name;
}
