/**
 * Start the engine's worker. A browser refuses a worker script of another origin, so there a small
 * blob module imports it: every file of ours then needs CORS, and the page's CSP `worker-src blob:`.
 *
 * @param {string} url  absolute
 * @param {string} origin  of the page
 * @returns {Worker}
 */
export function startWorker(url, origin = location.origin) {
  if (new URL(url).origin === origin) return new Worker(url, { type: "module" });
  const source = `import ${JSON.stringify(url)};`;
  const blob = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  // The address stays alive: revoking it before the worker has read it would end the worker.
  return new Worker(blob, { type: "module" });
}
