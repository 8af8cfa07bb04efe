/**
 * The artifact that a page loads: its manifest, its small files, its sources, from wherever they are nearest.
 * @import { Found } from "./manifest.js"
 * @import { Answer } from "../protocol.js"
 * @import { Part } from "./pieces.js"
 */

import { Downloads } from "./download.js";
import { DownloadError } from "../errors.js";
import { fetchManifest } from "./manifest.js";
import { remember, sweep } from "../store/models.js";
import { patienceFor } from "./patience.js";
import { Pieces } from "./pieces.js";
import { Store } from "../store/store.js";

/** @typedef {Found & { pieces: Pieces, downloads: Downloads, keeps: boolean }} Opened  keeps: there is a store */
/** @typedef {{ done: number, total: number, fetched: number, note: string | null, detail: string }} News */

export class Artifact {
  #post;
  #ending = new AbortController();
  #settled = false;
  /** @type {Promise<Opened>} */
  #opened;
  /** @type {Map<string, Promise<Uint8Array<ArrayBuffer>>>} */
  #files = new Map(); // small files by url: JavaScript and Python may both want one
  /** @type {(error: unknown) => void} */
  #break = () => {};
  /** Rejects with the first failure, whoever waits for what failed; never resolves. */
  broken;
  /** @type {News} */
  #progress = { done: 0, total: 0, fetched: 0, note: null, detail: "" };

  /**
   * Starts fetching at once.
   *
   * @param {string} modelUrl  of the folder that holds manifest.json
   * @param {(answer: Answer) => void} post
   * @param {AbortSignal} [signal]  ends loading
   */
  constructor(modelUrl, post, signal) {
    this.#post = post;
    /** @type {Promise<never>} */
    this.broken = new Promise((_, reject) => (this.#break = reject));
    signal?.addEventListener("abort", () => this.#end(signal.reason));
    if (signal?.aborted) this.#end(signal.reason);
    this.#opened = this.#open(modelUrl);
    this.#opened.catch((error) => this.#end(error));
  }

  /** @returns {Promise<string>} the text of manifest.json */
  async text() {
    return (await this.#opened).text;
  }

  /**
   * A small file, proven.
   *
   * @param {string} name  its url, relative to the manifest
   * @returns {Promise<Uint8Array<ArrayBuffer>>}
   */
  async file(name) {
    const { url, manifest, pieces } = await this.#opened;
    const wanted = new URL(name, url).href;
    const file = Object.values(manifest.files).find((each) => each.url === wanted);
    if (!file) throw new DownloadError(`manifest.json has no file ${name}. Build the site again.`);
    const coming = this.#files.get(wanted) ?? pieces.get({ ...file, offset: 0 }, { whole: true, urgent: true });
    this.#files.set(wanted, coming);
    return coming;
  }

  /** kernels.json, proven, and its hash. */
  async kernels() {
    const { url, sha256 } = (await this.#opened).manifest.files.kernels;
    return { bytes: await this.file(url), sha256 };
  }

  /**
   * Do something with the bytes of a source, proven. They are let go of when it is done.
   *
   * @param {number} index  of the source in the manifest
   * @param {(bytes: Uint8Array<ArrayBuffer>) => void} act
   */
  async use(index, act) {
    await (await this.#opened).downloads.use(index, act);
  }

  /**
   * Bytes of these sources that are yet to be downloaded; none where nothing can be kept, so that waiting for
   * them is no shorter another time.
   *
   * @param {number[]} indices
   */
  async missing(indices) {
    const { manifest, pieces, keeps } = await this.#opened;
    if (!keeps) return 0;
    const kept = await pieces.kept();
    const sources = indices.map((index) => manifest.sources[index]).filter(({ sha256 }) => !kept.has(sha256));
    return sources.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /**
   * Parts of sources, unproven, in their order.
   *
   * @param {Part[]} parts
   * @returns {Promise<Uint8Array<ArrayBuffer>[]>}
   */
  async parts(parts) {
    const { manifest, pieces } = await this.#opened;
    return pieces.parts(manifest.sources, parts);
  }

  /**
   * The model is loaded: fetch nothing more but what is still read from, for the store, and remove pieces
   * of the model's earlier versions.
   *
   * @param {Set<number>} [wanted]  sources that are read from in parts
   */
  async settle(wanted = new Set()) {
    this.#settled = true;
    const { downloads } = await this.#opened;
    downloads.stop();
    for (const index of wanted) {
      await downloads.use(index, () => {}).catch(() => {}); // its rows still come from the network
    }
    await sweep().catch(() => {}); // what stays is removed another time
  }

  /** @param {string} modelUrl */
  async #open(modelUrl) {
    const { signal } = this.#ending;
    const [found, store] = await Promise.all([fetchManifest(modelUrl, signal), Store.open()]);
    await remember(found.url, found.text).catch(() => {}); // a full disk is told when a piece does not fit
    const { sources } = found.manifest;
    const pieces = new Pieces(store, {
      signal,
      patience: patienceFor(sources.reduce((sum, { bytes }) => sum + bytes, 0)),
      onNote: (note, detail = "") => this.#tell({ note, detail }),
      onUnkept: (message) => this.#post({ type: "notice", message }),
    });
    const downloads = new Downloads(sources, pieces, {
      onProgress: (done, total) => this.#tell({ done, total, fetched: pieces.fetched }),
      onFailure: (error) => this.#settled || this.#end(error),
    });
    downloads.start();
    return { ...found, pieces, downloads, keeps: store !== null };
  }

  /** @param {Partial<News>} news */
  #tell(news) {
    Object.assign(this.#progress, news);
    this.#post({ type: "progress", stage: "weights", ...this.#progress });
  }

  /** @param {unknown} error */
  #end(error) {
    this.#break(error);
    this.#ending.abort(error);
  }
}
