/**
 * Why the page's or the engine's scripts did not start, looked for only when they did not: the page's policy forbids
 * them, or a file of them is missing or comes as something else.
 * @import { Violation, Violations } from "./policy.js"
 */

import { allowedFetch } from "./policy.js";

const SITE = new URL("../", import.meta.url);
const SCRIPT = /^(page\.js|embed\.js|(chat|engine)\/.*\.js)$/;
const POLICIES = new Set(["worker-src", "require-trusted-types-for", "trusted-types"]);

/**
 * @param {Violations} violations  since before it was started
 * @param {string} workerUrl
 * @returns {Promise<string | null>} what the page's policy lacks to start the engine's worker
 */
export async function whyForbidden(violations, workerUrl) {
  const found = await violations.find(({ effectiveDirective }) => POLICIES.has(effectiveDirective));
  if (!found) return null;
  const [what, add] = remedy(found, workerUrl);
  return `This page's Content-Security-Policy forbids the engine's worker${what}. ${add}`;
}

/**
 * @param {Violation} violation
 * @param {string} workerUrl
 */
function remedy({ effectiveDirective }, workerUrl) {
  if (effectiveDirective !== "worker-src") return [", as it asks for Trusted Types", "Add gemtab to its trusted-types."];
  const source = new URL(workerUrl).origin === location.origin ? "'self'" : "blob:";
  return ["", `Add ${source} to its worker-src.`];
}

/** @returns {Promise<string | null>} what is wrong with the first script of the site that cannot be run; null if all can */
export async function whyBroken() {
  const listing = await allowedFetch(new URL("app.json", SITE).href).then((response) => (response.ok ? response.json() : null));
  const names = Object.keys(listing?.files ?? {}).filter((name) => SCRIPT.test(name));
  const found = await Promise.all(names.map((name) => broken(new URL(name, SITE).href)));
  return found.find((one) => one !== null) ?? null;
}

/** @param {string} url */
async function broken(url) {
  const response = await allowedFetch(url, { cache: "no-cache" });
  response.body?.cancel();
  if (!response.ok) return `${url} could not be fetched: the server answered ${response.status}. Check that the site's files are all there.`;
  const type = response.headers.get("Content-Type") ?? "nothing";
  return /javascript/.test(type) ? null : `${url} comes as ${type}, not as JavaScript. Its host must send it as text/javascript.`;
}
