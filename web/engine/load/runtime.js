/**
 * The files that Python starts from: fetched through a bad network as weights are, proven, their bytes told.
 * The site's own cache keeps them (sw.js), or the browser's.
 * @import { FetchOptions } from "./fetch-range.js"
 * @import { Patience } from "./patience.js"
 */

import { DownloadError } from "../errors.js";
import { RUNTIME_FILES } from "../runtime-files.js";
import { fetchRange } from "./fetch-range.js";
import { Waits } from "./patience.js";
import { damaged } from "./pieces.js";
import { sha256 } from "./sha256.js";

const SITE = new URL("../../", import.meta.url);
const TELL_MS = 100;

/** @typedef {{ done: number, total: number, note: string | null, detail?: string }} RuntimeProgress  in bytes; Python's own start counts as one more */

export class Runtime {
  #network;
  #waits;
  #onProgress;
  #told = -TELL_MS;
  /** @type {RuntimeProgress} */
  #progress;

  /**
   * @param {object} [options]
   * @param {Partial<Patience>} [options.patience]
   * @param {AbortSignal} [options.signal]
   * @param {(progress: RuntimeProgress) => void} [options.onProgress]
   */
  constructor({ patience, signal, onProgress = () => {} } = {}) {
    const bytes = Object.values(RUNTIME_FILES).reduce((sum, file) => sum + file.bytes, 0);
    this.#progress = { done: 0, total: bytes + 1, note: null };
    this.#onProgress = onProgress;
    this.#network = { patience, signal };
    this.#waits = new Waits((note, detail) => this.#tell({ note, detail }, true));
  }

  /**
   * A file's bytes, proven.
   *
   * @param {string} name  its path in the site
   * @param {(response: Response) => void} [onResponse]  called with each answer that brings the file from its start
   */
  async bytes(name, onResponse) {
    const source = { url: new URL(name, SITE).href, offset: 0, ...known(name) };
    let found = "";
    for (const cache of /** @type {const} */ (["default", "reload"])) { // the browser's cache may be what is damaged
      const bytes = await this.#fetch(source, { cache, onResponse });
      found = await sha256(bytes);
      if (found === source.sha256) return bytes;
      this.#tell({ done: this.#progress.done - bytes.length });
    }
    throw damaged(source, found);
  }

  /**
   * @param {import("./fetch-range.js").Source} source
   * @param {FetchOptions} options
   */
  async #fetch(source, options) {
    const wait = this.#waits.open();
    const onBytes = (/** @type {number} */ count) => this.#tell({ done: this.#progress.done + count });
    try {
      return await fetchRange(source, { whole: true, ...this.#network, ...options, onBytes, onNote: wait.tell });
    } finally {
      wait.end();
    }
  }

  /**
   * A module of JavaScript: its bytes are proven, then the browser, which has them at hand, imports it.
   *
   * @param {string} name
   * @returns {Promise<any>}
   */
  async script(name) {
    await this.bytes(name);
    return import(new URL(name, SITE).href);
  }

  /**
   * A module of WebAssembly, compiled while it arrives: a browser keeps what it compiled of its own answer, and
   * takes it again on the next visit. An answer that broke off, or had other bytes, is made good from what came later.
   *
   * @param {string} name
   * @returns {Promise<WebAssembly.Module>}
   */
  async wasm(name) {
    /** @type {Promise<WebAssembly.Module | null>} */
    let compiling = Promise.resolve(null);
    const bytes = await this.bytes(name, (response) => {
      compiling = WebAssembly.compileStreaming(response.clone()).catch(() => null);
    });
    return (await compiling) ?? WebAssembly.compile(bytes);
  }

  /** Python is up. */
  end() {
    this.#tell({ done: this.#progress.total, note: null }, true);
  }

  /**
   * @param {Partial<RuntimeProgress>} news
   * @param {boolean} [atOnce]
   */
  #tell(news, atOnce = false) {
    Object.assign(this.#progress, news);
    const { done, total } = this.#progress;
    if (!atOnce && done < total - 1 && performance.now() - this.#told < TELL_MS) return;
    this.#told = performance.now();
    this.#onProgress({ ...this.#progress });
  }
}

/** @param {string} name */
function known(name) {
  const file = RUNTIME_FILES[name];
  if (!file) throw new DownloadError(`This is not a built site: it does not know ${name}. Build it with \`gemtab build\`.`);
  return file;
}
