/**
 * Boot Python: Pyodide from ../pyodide/, and our packages from one archive of modules.
 * Everything is found relative to the engine, so the site may live in any folder of any host.
 * @import { Patience } from "./load/patience.js"
 * @import { RuntimeProgress } from "./load/runtime.js"
 */

import { Runtime } from "./load/runtime.js";
import { checkWasm } from "./policy.js";
import { startPyodide } from "./pyodide.js";

/** @typedef {{ handle(messageJson: string): void }} Door  `gemtab.worker`'s end */

/**
 * @param {object} [options]
 * @param {(progress: RuntimeProgress) => void} [options.onProgress]
 * @param {Promise<unknown>} [options.begun]  what must be under way first: from then on Python holds the thread
 * @param {Partial<Patience>} [options.patience]
 * @param {AbortSignal} [options.signal]  ends what is being fetched
 * @returns {Promise<(host: unknown) => Door>} `gemtab.worker.start`
 */
export async function bootPython({ onProgress, begun, patience, signal } = {}) {
  checkWasm();
  const runtime = new Runtime({ onProgress, patience, signal });
  const [loader, glue, module, library, lock, archive] = await Promise.all([
    runtime.script("pyodide/pyodide.mjs"),
    runtime.script("pyodide/pyodide.asm.mjs"),
    runtime.wasm("pyodide/pyodide.asm.wasm"),
    runtime.bytes("pyodide/python_stdlib.zip"),
    runtime.bytes("pyodide/pyodide-lock.json"),
    runtime.bytes("python/packages.zip"),
    begun,
  ]);
  const pyodide = await startPyodide({ loader, glue, module, library, lock });
  const sitePackages = pyodide.pyimport("site").getsitepackages().get(0);
  pyodide.unpackArchive(archive, "zip", { extractDir: sitePackages });
  const worker = pyodide.pyimport("gemtab.worker");
  runtime.end();
  return (host) => worker.start(host);
}
