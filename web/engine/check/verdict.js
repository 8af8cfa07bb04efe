/**
 * From what is known of a device to a verdict on a model, in words for people. Pure.
 * @import { Needs } from "../store/models.js"
 */

import { MEMORY_SHARE } from "../gpu/adapter.js";
import { inBytes, inMemory } from "./amounts.js";
import { HANDHELD_MEMORY } from "./handheld.js";

/** @typedef {"good" | "slow" | "tight" | "cannot"} Verdict */
/**
 * @typedef {object} Facts
 * @property {{ vendor: string, architecture: string, description: string } | null} adapter
 * @property {boolean} isFallback  the adapter is software, with no graphics card behind it
 * @property {string[]} features  of WebGPU that the engine makes use of
 * @property {Record<string, number>} limits  WebGPU's, by name
 * @property {{ needed: number | null, neededWithTable: number | null, known: number | null, handheld: boolean }} memory  bytes:
 *   with the per-layer embeddings on disk and on the GPU; of the whole device; null where nobody says
 * @property {{ missing: number, room: number | null }} storage  bytes
 * @property {{ tokensPerSecond: number | null, gigabytesPerSecond: number | null }} speed  predicted; measured
 */

export const SLOW_TOKENS_PER_SECOND = 3; // about half of what one reads
export const LEAST_TOKENS_PER_SECOND = 0.5; // with fewer a sentence takes a minute
const SOFTWARE = "No graphics card is at work here: the browser computes in software. Turn on hardware acceleration in its settings.";
const BUSY = "If other programs or tabs keep the graphics card busy, close them and reload.";
const OTHER_DEVICE = " Else use a device with a faster one, or a smaller model.";
const UPDATE = "Update the browser and the graphics driver, or use another browser or device.";
/** @type {Record<string, string>} */
const LIMIT_NAMES = {
  maxStorageBuffersPerShaderStage: "buffers in a shader",
  maxComputeInvocationsPerWorkgroup: "threads in a workgroup",
  maxComputeWorkgroupSizeX: "threads in a row of a workgroup",
  maxComputeWorkgroupStorageSize: "bytes of memory in a workgroup",
  maxComputeWorkgroupsPerDimension: "workgroups in a row",
};

/**
 * @param {Facts} facts
 * @param {Needs | null} needs
 * @param {number | null} context  positions; null for the model's default
 * @returns {{ verdict: Verdict, reasons: string[] }} the reasons that weigh most come first
 */
export function judge(facts, needs, context) {
  const { adapter, isFallback, limits, memory, storage, speed } = facts;
  if (adapter && needs) {
    const reasons = tooSmall(limits, needs, context);
    if (reasons.length) return { verdict: "cannot", reasons };
  }
  const software = isFallback ? [SOFTWARE] : [];
  if (speed.tokensPerSecond !== null && speed.tokensPerSecond < LEAST_TOKENS_PER_SECOND) {
    return { verdict: "cannot", reasons: [tooSlow(speed.tokensPerSecond), ...software, software.length ? BUSY : BUSY + OTHER_DEVICE] };
  }
  const tight = [...memoryShort(memory), ...roomShort(storage)];
  const reasons = [...tight, ...paceOf(speed.tokensPerSecond), ...software];
  if (memory.needed === null) reasons.push("What it needs of a device is not known: an older Gemtab built it.");
  else if (memory.known === null && !memoryShort(memory).length) reasons.push(`It takes about ${inBytes(memory.needed)} of graphics memory; the browser does not say how much there is.`);
  const isSlow = speed.tokensPerSecond !== null && speed.tokensPerSecond < SLOW_TOKENS_PER_SECOND;
  return { verdict: tight.length ? "tight" : isSlow ? "slow" : "good", reasons };
}

/**
 * What a context takes, or the next one above that the manifest knows of.
 *
 * @param {Needs} needs
 * @param {number | null} context
 */
export function needsAt({ contexts, context: usual }, context) {
  const known = Object.keys(contexts).map(Number).sort((a, b) => a - b);
  return contexts[String(known.find((each) => each >= (context ?? usual)) ?? known.at(-1))];
}

/**
 * Tokens per second in words, as roughly as they are known.
 *
 * @param {number} speed
 */
export function inTokens(speed) {
  if (speed < 0.1) return "less than 0.1";
  return `roughly ${speed < 10 ? speed.toFixed(1) : Number(speed.toPrecision(2))}`;
}

/**
 * @param {Record<string, number>} limits
 * @param {Needs} needs
 * @param {number | null} context
 */
function tooSmall(limits, needs, context) {
  const short = Object.entries(needs.limits).filter(([name, least]) => limits[name] < least);
  const reasons = short.map(([name, least]) => `This device's WebGPU allows ${limits[name]} ${LIMIT_NAMES[name] ?? name}, the model needs ${least}.`);
  if (reasons.length) reasons.push(UPDATE);
  const largest = Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize);
  const { binding } = needsAt(needs, context);
  if (largest >= binding) return reasons;
  const fits = Object.entries(needs.contexts).filter(([, at]) => at.binding <= largest);
  const longest = Math.max(0, ...fits.map(([each]) => Number(each)).filter((each) => each < (context ?? needs.context)));
  reasons.push(`This device binds at most ${inBytes(largest)} of graphics memory in one piece, the model needs ${inBytes(binding)}.`);
  reasons.push(longest ? `A context of ${longest} tokens would fit.` : "Use a device with a larger graphics card, or a smaller model.");
  return reasons;
}

/** @param {Facts["memory"]} memory */
function memoryShort({ needed, known, handheld }) {
  if (needed === null) return [];
  if (known === null && handheld && needed > HANDHELD_MEMORY) {
    return [`It takes about ${inBytes(needed)} of graphics memory, and a phone or tablet may not have so much for a page; the browser does not say. Close other tabs and programs first.`];
  }
  if (known === null || needed <= known * MEMORY_SHARE) return [];
  return [`It takes about ${inBytes(needed)} of graphics memory, and this device has about ${inMemory(known)} for everything. Close other tabs and programs first.`];
}

/** @param {Facts["storage"]} storage */
function roomShort({ missing, room }) {
  if (room === null || room >= missing) return [];
  if (room === 0) return ["This browser keeps nothing of it (is this a private window?), so the next visit downloads it again."];
  return [`This browser has room for ${inBytes(room)}, and ${inBytes(missing)} are to come: ${inBytes(missing - room)} are short. What does not fit is downloaded again next time.`];
}

/** @param {number} speed */
function tooSlow(speed) {
  return `Replies would come at ${inTokens(speed)} tokens a second, a sentence in a minute or more.`;
}

/** @param {number | null} speed */
function paceOf(speed) {
  if (speed === null) return [];
  const about = `Replies would come at ${inTokens(speed)} tokens a second`;
  return [speed < SLOW_TOKENS_PER_SECOND ? `${about}, slower than one reads.` : `${about}.`];
}
