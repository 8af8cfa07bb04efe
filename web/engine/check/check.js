/**
 * A verdict on whether a device runs a model, and how well, before any weight of it is fetched.
 * @import { Survey } from "./survey.js"
 * @import { Facts, Verdict } from "./verdict.js"
 */

import { adapterFacts, findAdapter, machineMemory, openDevice } from "../gpu/adapter.js";
import { EngineError } from "../client.js";
import { isHandheld } from "./handheld.js";
import { measure } from "../gpu/measure.js";
import { sha256 } from "../load/sha256.js";
import { survey } from "./survey.js";
import { judge, needsAt } from "./verdict.js";
import { within } from "../load/waiting.js";

/** @typedef {Facts & { verdict: Verdict, reasons: string[] }} Check  reasons are sentences for people */

/**
 * How much of the measured speed is left in a reply, where a token waits between products, and norms, attention
 * and sampling read no weights. `tests/bench/prediction.py` measures it: 0.5 to 0.65 on SwiftShader, 1.0 to 1.1 on
 * lavapipe, with E2B's layers. The lower is taken, for a GPU waits longer between kernels than software does. A
 * prediction is rough: no GPU has confirmed it, and a small model waits more than it reads.
 */
export const LEFT_IN_A_REPLY = 0.5;
const PATIENCE_MS = 10_000; // for the measurement, with its download and its compiling

/**
 * @param {Survey | string | URL} model  or the address of its folder
 * @param {object} [options]
 * @param {number | null} [options.context]  positions; null for the model's default
 * @param {boolean} [options.measured]  predict the speed too, which takes a part of a second
 * @param {GPUAdapter} [options.adapter]  in place of the browser's choice
 * @returns {Promise<Check>}
 */
export async function checkDevice(model, { context = null, measured = true, adapter } = {}) {
  try {
    const found = typeof model === "string" || model instanceof URL ? await survey(model) : model;
    return await check(found, context, measured, adapter ?? (await findAdapter()));
  } catch (error) {
    const { name, message } = /** @type {Error} */ (error);
    if (name === "NoWebGPU" || (error instanceof EngineError && error.kind === "NoWebGPU")) return without(message);
    throw error;
  }
}

/**
 * @param {Survey} found
 * @param {number | null} context
 * @param {boolean} measured
 * @param {GPUAdapter} adapter
 * @returns {Promise<Check>}
 */
async function check({ needs, kernels, missing, app, room }, context, measured, adapter) {
  const at = needs && needsAt(needs, context);
  const needed = needs && at ? needs.weights + at.cache + at.scratch : null;
  /** @type {Facts} */
  const facts = {
    ...adapterFacts(adapter),
    memory: {
      needed,
      neededWithTable: needed === null || !needs ? null : needed + needs.table,
      known: machineMemory(),
      handheld: isHandheld(),
    },
    storage: { missing: missing + app.missing, room },
    speed: { tokensPerSecond: null, gigabytesPerSecond: null },
  };
  const first = judge(facts, needs, context);
  if (first.verdict === "cannot" || !measured || !kernels) return { ...facts, ...first };
  const speed = await within(PATIENCE_MS, speedOf(adapter, kernels)).catch(() => null); // a verdict can do without
  if (speed) facts.speed.gigabytesPerSecond = speed / 1e9;
  if (speed && needs) facts.speed.tokensPerSecond = (speed / needs.token) * LEFT_IN_A_REPLY;
  return { ...facts, ...judge(facts, needs, context) };
}

/**
 * @param {GPUAdapter} adapter
 * @param {{ url: string, sha256: string }} kernels  kernels.json
 * @returns {Promise<number>} bytes per second
 */
async function speedOf(adapter, kernels) {
  const response = await fetch(kernels.url, { signal: AbortSignal.timeout(PATIENCE_MS) });
  const bytes = new Uint8Array(await response.arrayBuffer());
  if ((await sha256(bytes)) !== kernels.sha256) throw new Error("kernels.json is not that of the manifest");
  const kernel = JSON.parse(new TextDecoder().decode(bytes)).measure;
  const device = await openDevice(adapter);
  try {
    return await measure(device, kernel);
  } finally {
    device.destroy();
  }
}

/**
 * The check of a browser that has no WebGPU.
 *
 * @param {string} reason
 * @returns {Check}
 */
function without(reason) {
  return {
    verdict: "cannot",
    adapter: null,
    isFallback: false,
    features: [],
    limits: {},
    memory: { needed: null, neededWithTable: null, known: null, handheld: false },
    storage: { missing: 0, room: null },
    speed: { tokensPerSecond: null, gigabytesPerSecond: null },
    reasons: [reason],
  };
}
