/**
 * The models that this origin keeps: the manifest of each, by its address, in OPFS `gemtab/models`.
 * Pieces that no manifest names are of no use any more.
 * @import { Source } from "../load/fetch-range.js"
 */

import { listFiles, openFile, openFolder, removeFile, writeFile } from "./opfs.js";
import { sha256 } from "../load/sha256.js";
import { Store } from "./store.js";

/** @typedef {{ url: string, bytes: number, sha256: string }} Part  a source or a small file */
/** @typedef {{ cache: number, scratch: number, binding: number }} ContextNeeds  bytes */
/** @typedef {{ weights: number, table: number, token: number, start: number, limits: { [name: string]: number }, context: number, contexts: { [context: string]: ContextNeeds } }} Needs  see contracts/needs.py */
/** @typedef {{ model: string, sources: Source[], files: { [name: string]: Part }, needs?: Needs | null }} Manifest */
/** @typedef {{ url: string, text: string }} Record  of a manifest */
/** @typedef {{ url: string, name: string, bytes: number, total: number }} StoredModel  bytes: how much of `total` is kept */

/**
 * Every part of a model, in the order of need.
 *
 * @param {Manifest} manifest
 * @returns {Part[]}
 */
export function partsOf({ files, sources }) {
  return [...Object.values(files), ...sources];
}

/**
 * Note that a model's pieces are wanted; before the first of them is written, for `sweep` removes others.
 *
 * @param {string} url  of its manifest
 * @param {string} text  of its manifest
 */
export async function remember(url, text) {
  const folder = await openFolder("gemtab", "models");
  const record = new TextEncoder().encode(JSON.stringify({ url, text }));
  await navigator.locks.request("gemtab models", async () => folder && writeFile(folder, await nameOf(url), record));
}

/**
 * @param {string} url
 * @returns {Promise<string | null>} the text of the manifest as it was last
 */
export async function recall(url) {
  return (await records()).find((record) => record.url === url)?.text ?? null;
}

/**
 * What is kept, pieces that are still coming too. A piece that two models share counts for both, and once in the sum.
 *
 * @returns {Promise<{ bytes: number, models: StoredModel[] }>}
 */
export async function stored() {
  const { whole, begun } = (await (await Store.open())?.contents()) ?? { whole: new Map(), begun: new Map() };
  const sizes = new Map([...begun, ...whole]);
  const models = (await records()).map(({ url, text }) => {
    const parts = partsOf(JSON.parse(text));
    const kept = parts.map((part) => Math.min(sizes.get(part.sha256) ?? 0, part.bytes));
    return { url, name: JSON.parse(text).model, bytes: sum(kept), total: sum(parts.map((part) => part.bytes)) };
  });
  return { bytes: sum([...whole.values(), ...begun.values()]), models };
}

/**
 * Delete a model, or all of them, and the pieces that no other model has.
 *
 * @param {string | null} [url]  of its manifest; null for all
 * @returns {Promise<boolean>} false if some pieces are in use and stay
 */
export async function forget(url = null) {
  const folder = await openFolder("gemtab", "models");
  if (!folder) return true;
  const urls = url ? [url] : (await records()).map((record) => record.url);
  for (const each of urls) await removeFile(folder, await nameOf(each));
  return sweep();
}

/**
 * Remove the pieces that no model has.
 *
 * @returns {Promise<boolean>} false if some are in use and stay
 */
export async function sweep() {
  const store = await Store.open();
  const needed = async () => new Set((await records()).flatMap(({ text }) => partsOf(JSON.parse(text)).map((part) => part.sha256)));
  return (await store?.sweep(needed)) ?? true;
}

/** @returns {Promise<Record[]>} */
async function records() {
  const folder = await openFolder("gemtab", "models");
  if (!folder) return [];
  const found = [];
  for (const name of await listFiles(folder)) {
    const file = await openFile(folder, name);
    const record = file && (await file.text().then(JSON.parse).catch(() => null));
    if (record) found.push(record);
  }
  return found;
}

/** @param {string} url */
async function nameOf(url) {
  const hash = await sha256(new TextEncoder().encode(url));
  return `${hash.slice(0, 32)}.json`;
}

/** @param {number[]} numbers */
function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0);
}
