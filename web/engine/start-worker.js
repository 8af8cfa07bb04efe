import { trusted } from "./trusted.js";

/**
 * What a worker of another origin runs. A dynamic import, since a host's CSP counts a worker's static
 * imports as workers: then `worker-src blob:` would not be enough. Messages that come first are kept.
 *
 * @param {string} url
 */
const importing = (url) => `
const early = [];
let forbidden = false;
self.onmessage = (event) => early.push(event);
self.addEventListener("securitypolicyviolation", () => { forbidden = true; });
import(${JSON.stringify(url)}).then(
  () => early.forEach((event) => self.onmessage(event)),
  (error) => setTimeout(() => self.postMessage({
    type: "error", id: null, kind: forbidden ? "PolicyError" : "WorkerError",
    message: forbidden
      ? "This page's Content-Security-Policy forbids the engine's scripts. Add ${new URL(url).origin} to its script-src."
      : "The engine could not be fetched (" + error.message + "). Its host must allow this page to use it (CORS).",
  }), 100),
);`;

/**
 * Start the engine's worker. A browser refuses a worker script of another origin, so there a small
 * blob module imports it: every file of ours then needs CORS, and the page's CSP `worker-src blob:`.
 *
 * @param {string} url  absolute
 * @param {string} origin  of the page
 * @returns {Worker}
 */
export function startWorker(url, origin = location.origin) {
  if (new URL(url).origin === origin) return new Worker(trusted(url), { type: "module" });
  const blob = URL.createObjectURL(new Blob([importing(url)], { type: "text/javascript" }));
  // The address stays alive: revoking it before the worker has read it would end the worker.
  return new Worker(trusted(blob), { type: "module" });
}
