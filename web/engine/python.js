/**
 * Boot Python: Pyodide from ../pyodide/, and our packages from one archive of .py files.
 * Everything is found relative to this file, so the site may live in any folder of any host.
 */

import { DownloadError } from "./errors.js";

const PYODIDE = new URL("../pyodide/", import.meta.url).href;
const PACKAGES = new URL("../python/packages.zip", import.meta.url).href;
const STEPS = 3;

/** @typedef {{ handle(messageJson: string): void }} Door  `gemtab.worker`'s end */

/**
 * @param {(done: number, total: number) => void} onProgress
 * @param {Promise<unknown>} begun  what must be under way first: from then on Python holds the thread
 * @returns {Promise<(host: unknown) => Door>} `gemtab.worker.start`
 */
export async function bootPython(onProgress, begun) {
  onProgress(0, STEPS);
  const archive = fetchArchive();
  archive.catch(() => {}); // awaited below
  const { loadPyodide } = await import(`${PYODIDE}pyodide.mjs`);
  await begun;
  onProgress(1, STEPS);
  const pyodide = await loadPyodide({ indexURL: PYODIDE });
  onProgress(2, STEPS);
  const sitePackages = pyodide.pyimport("site").getsitepackages().get(0);
  pyodide.unpackArchive(await archive, "zip", { extractDir: sitePackages });
  const worker = pyodide.pyimport("gemtab.worker");
  onProgress(STEPS, STEPS);
  return (host) => worker.start(host);
}

async function fetchArchive() {
  const response = await fetch(PACKAGES);
  if (!response.ok) throw new DownloadError(`${PACKAGES} could not be fetched: the server answered ${response.status}. Build the site again.`);
  return response.arrayBuffer();
}
