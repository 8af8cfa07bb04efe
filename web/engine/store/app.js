/**
 * The app's own files: the page, the engine and Python. sw.js keeps them for visits without a network, a whole
 * version at a time; app.json says what they weigh. On another origin's page none of it is kept for sure.
 */

const SITE = new URL("../../", import.meta.url).href;
const LISTING = `${SITE}app.json`;
const PREFIX = `gemtab ${SITE} `; // of sw.js's caches

/** @typedef {{ bytes: number, missing: number }} App  of all its files; of those that are yet to be kept */

/** @returns {Promise<App>} zeros where the site does not say */
export async function appFiles() {
  const listing = await fetch(LISTING, { cache: "no-cache" })
    .then((response) => (response.ok ? response.json() : null))
    .catch(() => null);
  const bytes = sizeOf(listing);
  const isKept = (await keptNames()).includes(PREFIX + listing?.version);
  return { bytes, missing: isKept ? 0 : bytes };
}

/** @returns {Promise<number>} bytes of the versions that are kept */
export async function keptApp() {
  const listings = (await keptNames()).map(async (name) => (await (await caches.open(name)).match(LISTING))?.json().catch(() => null));
  return (await Promise.all(listings)).reduce((sum, listing) => sum + sizeOf(listing), 0);
}

/** Delete what is kept of the app. This page goes on; the next visit fetches, and keeps, it again. */
export async function forgetApp() {
  await Promise.all((await keptNames()).map((name) => caches.delete(name)));
}

async function keptNames() {
  const names = (await globalThis.caches?.keys().catch(() => [])) ?? []; // none on pages that are not secure
  return names.filter((name) => name.startsWith(PREFIX));
}

/** @param {{ sizes?: Record<string, number> } | null} listing */
function sizeOf(listing) {
  return Object.values(listing?.sizes ?? {}).reduce((sum, bytes) => sum + bytes, 0);
}
