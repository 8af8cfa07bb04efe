/**
 * manifest.json, as far as JavaScript reads it: from its host, or as it was when the host cannot be reached.
 * @import { Manifest } from "../store/models.js"
 */

import { DownloadError, PolicyError } from "../errors.js";
import { allowedFetch } from "../policy.js";
import { partsOf, recall } from "../store/models.js";
import { Deadline } from "./waiting.js";

/** @typedef {{ url: string, text: string, manifest: Manifest }} Found  urls in the manifest are absolute here */

const WAIT_MS = 15_000;

/**
 * @param {string} modelUrl  of the folder that holds manifest.json
 * @param {AbortSignal} [signal]
 * @returns {Promise<Found>}
 */
export async function fetchManifest(modelUrl, signal) {
  const url = new URL("manifest.json", modelUrl.endsWith("/") ? modelUrl : `${modelUrl}/`).href;
  const text = await fetchText(url, signal);
  return { url, text, manifest: parse(text, url) };
}

/**
 * @param {string} url
 * @param {AbortSignal} [signal]
 */
async function fetchText(url, signal) {
  const deadline = new Deadline(WAIT_MS, signal);
  try {
    const response = await allowedFetch(url, { cache: "no-cache", signal: deadline.signal });
    if (response.ok) return await response.text();
    if (response.status < 500) throw new DownloadError(`There is no model at ${url}: the server answered ${response.status}. Check the address of the model.`);
    throw new Error(`the server answered ${response.status}`);
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof DownloadError || error instanceof PolicyError) throw error;
    const kept = await recall(url);
    if (kept) return kept;
    const why = deadline.passed ? `no answer came in ${WAIT_MS / 1000} seconds` : /** @type {Error} */ (error).message;
    throw new DownloadError(`${url} could not be fetched: ${why}. Check the connection and try again.`);
  } finally {
    deadline.end();
  }
}

/**
 * @param {string} text
 * @param {string} url
 * @returns {Manifest}
 */
function parse(text, url) {
  try {
    const manifest = JSON.parse(text);
    for (const part of partsOf(manifest)) part.url = new URL(part.url, url).href;
    return manifest;
  } catch {} // a page of a server's own, most often
  throw new DownloadError(`${url} is damaged: it is not a manifest. Build the site again.`);
}
