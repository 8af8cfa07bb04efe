/**
 * What the worker's JavaScript does for Python: posts its messages, moves bytes from the network to the
 * GPU past the Python heap, and runs its programs.
 * @import { Answer, Stage } from "./protocol.js"
 * @import { Source } from "./fetch-range.js"
 */

import { Downloads } from "./download.js";
import { DownloadError } from "./errors.js";
import { fetchRange } from "./fetch-range.js";

/** @typedef {import("./replay.js").Gpu} Gpu */
/** @typedef {{ sources: Source[], files: Record<string, { url: string, bytes: number, sha256: string }> }} Manifest */
/** @typedef {[buffer: string, bufferOffset: number, sourceOffset: number, bytes: number]} Target */

export class Host {
  #gpu;
  #base;
  #post;
  #text;
  /** @type {Promise<{ manifest: Manifest, downloads: Downloads }>} */
  #artifact;

  /**
   * Starts fetching at once, so that the weights arrive while Python boots.
   *
   * @param {Gpu} gpu
   * @param {string} modelUrl  of the folder that holds manifest.json
   * @param {(answer: Answer) => void} post
   */
  constructor(gpu, modelUrl, post) {
    this.#gpu = gpu;
    this.#base = new URL("manifest.json", modelUrl.endsWith("/") ? modelUrl : `${modelUrl}/`).href;
    this.#post = post;
    this.#text = fetchText(this.#base);
    this.#artifact = this.#text.then((text) => this.#open(text));
    this.#artifact.catch(() => {}); // `manifest` reports it
  }

  /** @param {string} json  a message for the page */
  post(json) {
    this.#post(JSON.parse(json));
  }

  /** @returns {Promise<string>} the text of manifest.json */
  async manifest() {
    await this.#artifact;
    return this.#text;
  }

  /**
   * A small file of the artifact, verified.
   *
   * @param {string} url  relative to the manifest, as its `files` have it
   * @returns {Promise<Uint8Array>}
   */
  async fetchFile(url) {
    const { manifest } = await this.#artifact;
    const file = Object.values(manifest.files).find((entry) => entry.url === url);
    if (!file) throw new DownloadError(`manifest.json has no file ${url}. Build the site again.`);
    return fetchRange({ ...file, url: new URL(url, this.#base).href, offset: 0 }, { whole: true });
  }

  /**
   * Write parts of a source into GPU buffers, then let go of it. Ask for all parts of a source at once.
   *
   * @param {number} index  of the source in the manifest
   * @param {string} targetsJson  a list of Target
   */
  async uploadSource(index, targetsJson) {
    const { downloads } = await this.#artifact;
    const bytes = await downloads.take(index);
    /** @type {Target[]} */
    const targets = JSON.parse(targetsJson);
    for (const [buffer, bufferOffset, sourceOffset, length] of targets) {
      this.#gpu.write(buffer, bufferOffset, bytes.subarray(sourceOffset, sourceOffset + length));
    }
  }

  /** @returns {string} JSON {adapter, features, limits, wgslFeatures} */
  facts() {
    return this.#gpu.facts();
  }

  /**
   * @param {string} name
   * @param {number} bytes
   * @param {string} role
   */
  createBuffer(name, bytes, role) {
    this.#gpu.createBuffer(name, bytes, role);
  }

  /**
   * @param {string} name
   * @param {number} offset
   * @param {Uint8Array<ArrayBuffer> | PythonBytes} bytes
   */
  write(name, offset, bytes) {
    if (bytes instanceof Uint8Array) return this.#gpu.write(name, offset, bytes);
    const view = bytes.getBuffer("u8");
    try {
      this.#gpu.write(name, offset, view.data);
    } finally {
      view.release();
    }
  }

  /**
   * @param {string} from
   * @param {number} fromOffset
   * @param {string} to
   * @param {number} toOffset
   * @param {number} bytes
   */
  copy(from, fromOffset, to, toOffset, bytes) {
    this.#gpu.copy(from, fromOffset, to, toOffset, bytes);
  }

  /** @param {string} kernelsJson */
  compile(kernelsJson) {
    return this.#gpu.compile(kernelsJson, (done, total) => this.#progress("shaders", done, total));
  }

  /** @param {string} programJson */
  prepare(programJson) {
    return this.#gpu.prepare(programJson);
  }

  /**
   * @param {string} program
   * @param {number} times
   * @param {string} readBuffer
   * @param {number} readOffset
   * @param {number} readBytes
   */
  replay(program, times, readBuffer, readOffset, readBytes) {
    return this.#gpu.replay(program, times, readBuffer, readOffset, readBytes);
  }

  /**
   * @param {string} name
   * @param {number} offset
   * @param {number} bytes
   */
  read(name, offset, bytes) {
    return this.#gpu.read(name, offset, bytes);
  }

  /**
   * @param {string} text  of manifest.json
   */
  #open(text) {
    const manifest = parseManifest(text, this.#base);
    const sources = manifest.sources.map((source) => ({ ...source, url: new URL(source.url, this.#base).href }));
    const downloads = new Downloads(sources, (done, total) => this.#progress("weights", done, total));
    downloads.start();
    return { manifest, downloads };
  }

  /**
   * @param {Stage} stage
   * @param {number} done
   * @param {number} total
   */
  #progress(stage, done, total) {
    this.#post({ type: "progress", stage, done, total });
  }
}

/** @typedef {{ getBuffer(type: "u8"): { data: Uint8Array<ArrayBuffer>, release(): void } }} PythonBytes  a proxy of bytes */

/** @param {string} url */
async function fetchText(url) {
  const response = await fetch(url, { cache: "no-cache" }).catch((error) => {
    throw new DownloadError(`${url} could not be fetched: ${error.message}. Check the connection and try again.`);
  });
  if (response.ok) return response.text();
  throw new DownloadError(`There is no model at ${url}: the server answered ${response.status}. Check the address of the model.`);
}

/**
 * @param {string} text
 * @param {string} url
 * @returns {Manifest}
 */
function parseManifest(text, url) {
  try {
    const manifest = JSON.parse(text);
    if (Array.isArray(manifest.sources) && manifest.files) return manifest;
  } catch {} // a page of a server's own, most often
  throw new DownloadError(`${url} is damaged: it is not a manifest. Build the site again.`);
}
