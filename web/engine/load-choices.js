/**
 * What a load may be told beside the model's address: how it is checked, and what is told for a person where this
 * device is small and does not say so. Pure, but for the last.
 */

import { assumedMemory } from "./check/handheld.js";

/**
 * All may be null: the engine's own choice.
 *
 * @typedef {object} Choices
 * @property {number | null} context  positions that the cache holds
 * @property {string | null} kv  how the cache keeps them: f32, f16 or q8
 * @property {number | null} chunk  prompt tokens that run together at most
 * @property {string | null} ple  where the per-layer embeddings lie: auto, gpu or disk
 * @property {number | null} memory  bytes of graphics memory to use at most, as far as the model lets one choose
 */

/** @typedef {{ least: number, unit: string } | { words: string[] }} Rule */

/** @type {Record<keyof Choices, Rule>} */
const RULES = {
  context: { least: 2, unit: "tokens" },
  kv: { words: ["f32", "f16", "q8"] },
  chunk: { least: 1, unit: "tokens" },
  ple: { words: ["auto", "gpu", "disk"] },
  memory: { least: 2 ** 20, unit: "bytes" },
};

export const CHOICES = /** @type {(keyof Choices)[]} */ (Object.keys(RULES));

/**
 * What is wrong with a choice, in words for people.
 *
 * @param {Partial<Choices>} choices
 * @returns {string | null} null if all are right
 */
export function faultIn(choices) {
  for (const name of CHOICES) {
    const value = choices[name] ?? null;
    const rule = RULES[name];
    if (value === null) continue;
    const isRight = "words" in rule ? rule.words.includes(/** @type {string} */ (value)) : Number.isSafeInteger(value) && Number(value) >= rule.least;
    const wanted = "words" in rule ? `one of ${rule.words.join(", ")}` : `a whole number of ${rule.unit}, ${rule.least} or more`;
    if (!isRight) return `${name} is ${wanted}, not ${JSON.stringify(value) ?? String(value)}. Change it, or leave it out.`;
  }
  return null;
}

/**
 * The choices with what this device is taken for.
 *
 * @param {Partial<Choices>} choices  right ones
 * @returns {Choices}
 */
export function chosen({ context = null, kv = null, chunk = null, ple = null, memory = null }) {
  return { context, kv, chunk, ple, memory: memory ?? assumedMemory() };
}

/**
 * Choices as a page writes them, as attributes.
 *
 * @param {(name: string) => string | null} attribute
 * @returns {Choices}  wrong ones as they were written
 */
export function written(attribute) {
  const entries = CHOICES.map((name) => {
    const text = attribute(name);
    const isNumber = text !== null && "least" in RULES[name] && /^\s*\d+\s*$/.test(text);
    return [name, isNumber ? Number(text) : text];
  });
  return /** @type {Choices} */ (Object.fromEntries(entries));
}
