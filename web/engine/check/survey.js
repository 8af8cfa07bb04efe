/**
 * What loading a model would take, found out before any of it is downloaded.
 * @import { App } from "../store/app.js"
 * @import { Needs, Part } from "../store/models.js"
 */

import { findAdapter } from "../gpu/adapter.js";
import { EngineError } from "../client.js";
import { appFiles } from "../store/app.js";
import { fetchManifest } from "../load/manifest.js";
import { partsOf } from "../store/models.js";
import { Store } from "../store/store.js";

/** So little is downloaded without asking. */
export const SMALL_BYTES = 50e6;

/**
 * @typedef {object} Survey
 * @property {string} url  of the manifest
 * @property {string} model  its name
 * @property {number} bytes  of the whole model
 * @property {number} missing  bytes of it to download
 * @property {App} app  the app's own files, which a first visit downloads as well
 * @property {number | null} room  bytes that the browser would still keep; null if it does not say
 * @property {Needs | null} needs  of a device; null if the manifest does not say
 * @property {Part | null} kernels  its shaders
 */

/**
 * Throws an EngineError where the model cannot run here, or is not there.
 *
 * @param {string | URL} modelUrl  of the folder that holds manifest.json
 * @returns {Promise<Survey>}
 */
export async function survey(modelUrl) {
  try {
    const folder = new URL(modelUrl, globalThis.document?.baseURI).href;
    const estimate = navigator.storage?.estimate?.().catch(() => null);
    const coming = Promise.all([fetchManifest(folder), Store.open(), estimate, appFiles()]);
    coming.catch(() => {}); // awaited below
    await findAdapter(); // without one, nothing else matters
    const [{ url, manifest }, store, estimated, app] = await coming;
    const { whole, begun } = (await store?.contents()) ?? { whole: new Map(), begun: new Map() };
    const parts = [...new Map(partsOf(manifest).map((part) => [part.sha256, part])).values()];
    const missing = parts
      .filter(({ sha256, bytes }) => whole.get(sha256) !== bytes)
      .map(({ sha256, bytes }) => ({ bytes: Math.max(0, bytes - (begun.get(sha256) ?? 0)) }));
    const { quota, usage } = estimated ?? {};
    const room = quota === undefined ? null : Math.max(0, quota - (usage ?? 0));
    const { model, needs = null, files } = manifest;
    const kernels = files.kernels ?? null;
    return { url, model, bytes: sumOf(parts), missing: sumOf(missing), app, room: store ? room : 0, needs, kernels };
  } catch (error) {
    const { message, name } = /** @type {Error} */ (error);
    throw new EngineError(message, name);
  }
}

/** Ask the browser not to clear what is kept when the disk runs low. It may ask the person, or say no. */
export async function askToKeep() {
  await navigator.storage?.persist?.().catch(() => false);
}

/** @param {{ bytes: number }[]} parts */
function sumOf(parts) {
  return parts.reduce((sum, { bytes }) => sum + bytes, 0);
}
