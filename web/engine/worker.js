/**
 * The engine's worker: a GPU, a host, a Python. Messages of the page go on to Python once it is up.
 * @import { Answer, LoadRequest, Request } from "./protocol.js"
 * @import { RuntimeProgress } from "./load/runtime.js"
 */

import { Cancelled } from "./errors.js";
import { Host } from "./host.js";
import { bootPython } from "./python.js";
import { Gpu } from "./gpu/replay.js";
import { within } from "./load/waiting.js";

/** @type {{ handle(messageJson: string): void } | null} */
let door = null;
/** @type {Request[]} */
const waiting = [];
let started = false;
const ending = new AbortController();
/** How long Python waits for shaders to be under way: it holds this thread for longer, the driver works beside it. */
const HEAD_START_MS = 500;

/** @param {Answer} answer */
const post = (answer) => self.postMessage(answer);

self.onmessage = (/** @type {MessageEvent<Request>} */ { data }) => {
  if (data.type === "cancel") return cancel();
  if (door) return door.handle(JSON.stringify(data));
  waiting.push(data);
  if (data.type !== "load" || started) return;
  started = true;
  boot(data).catch(report);
};

/** @param {LoadRequest} request */
async function boot({ model }) {
  const gpu = await Gpu.create(undefined, (message) => post({ type: "error", id: null, kind: "DeviceError", message }));
  const host = new Host(gpu, model, post, ending.signal);
  host.broken.catch(report); // at once, whatever Python is at
  const begun = within(HEAD_START_MS, host.compileAhead()).catch(() => {}); // it will be asked for again, and fail then
  const onProgress = (/** @type {RuntimeProgress} */ progress) => post({ type: "progress", stage: "runtime", ...progress });
  const python = bootPython({ onProgress, begun, signal: ending.signal });
  const [start] = await Promise.all([python, host.manifest()]);
  const opened = start(host);
  for (const message of waiting.splice(0)) opened.handle(JSON.stringify(message));
  door = opened;
}

function cancel() {
  const reason = new Cancelled("Loading was cancelled. What has arrived is kept for the next time.");
  ending.abort(reason);
  report(reason);
}

/** @param {Error} error */
function report(error) {
  const known = ["NoWebGPU", "DeviceError", "DownloadError", "PolicyError", "Cancelled"].includes(error.name);
  const message = known ? error.message : `The engine could not start: ${error.message}. Reload the page.`;
  post({ type: "error", id: null, kind: error.name, message });
}
