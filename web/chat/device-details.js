/**
 * What is known of this device, folded away under "Details".
 * @import { Check } from "../engine/check/check.js"
 */

import { inBytes, inMemory } from "../engine/check/amounts.js";
import { inTokens } from "../engine/check/verdict.js";
import { element } from "./dom.js";

/** @param {Check} check */
export function deviceDetails(check) {
  const rows = Object.entries({ Graphics: graphics(check), Memory: memory(check), Disk: storage(check), Speed: speed(check) });
  const list = rows.flatMap(([name, words]) => [element("dt", {}, name), element("dd", {}, words)]);
  return element("details", {}, element("summary", {}, "Details"), element("dl", {}, ...list));
}

/** @param {Check} check */
function graphics({ adapter, isFallback }) {
  if (!adapter) return "None that WebGPU can use";
  const { vendor, architecture, description } = adapter;
  const name = description || [vendor, architecture].filter(Boolean).join(" ") || "The browser does not say";
  return isFallback ? `${name} (software)` : name;
}

/** @param {Check} check */
function memory({ memory: { needed, neededWithTable, known } }) {
  const all = known === null ? "the browser does not say how much there is" : `this device has about ${inMemory(known)} for everything`;
  if (needed === null || neededWithTable === null) return `What is needed is not known; ${all}`;
  const whole = neededWithTable > needed ? ` (${inBytes(neededWithTable)} where that fits)` : "";
  return `${inBytes(needed)} needed for graphics${whole}; ${all}`;
}

/** @param {Check} check */
function storage({ storage: { missing, room } }) {
  return `${inBytes(missing)} to keep; ${room === null ? "the browser does not say how much room there is" : `room for ${inBytes(room)}`}`;
}

/** @param {Check} check */
function speed({ speed: { tokensPerSecond, gigabytesPerSecond } }) {
  const measured = gigabytesPerSecond === null ? "not measured" : `${inBytes(gigabytesPerSecond * 1e9)} of weights a second, measured`;
  return tokensPerSecond === null ? measured : `${inTokens(tokensPerSecond)} tokens a second; ${measured}`;
}
