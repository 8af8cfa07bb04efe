/**
 * The artifact's sources, fetched ahead and in order: a few at once, and never more held than fits.
 * @import { Source } from "./fetch-range.js"
 */

import { fetchRange } from "./fetch-range.js";

const AT_ONCE = 3;
const HELD_BYTES = 256 << 20;

export class Downloads {
  /** @type {Source[]} */
  #sources;
  /** @type {Set<string>} */
  #split;
  /** @type {Map<number, Promise<Uint8Array<ArrayBuffer>>>} */
  #fetched = new Map();
  /** @type {Map<number, { resolve: (bytes: Promise<Uint8Array<ArrayBuffer>>) => void, promise: Promise<Uint8Array<ArrayBuffer>> }>} */
  #wanted = new Map();
  /** @type {Set<number>} */
  #started = new Set();
  #next = 0;
  #running = 0;
  #heldBytes = 0;
  #received = 0;
  #total;
  #onProgress;

  /**
   * @param {Source[]} sources  of the manifest, with absolute urls
   * @param {(done: number, total: number) => void} [onProgress]  in bytes
   */
  constructor(sources, onProgress = () => {}) {
    this.#sources = sources;
    this.#total = sources.reduce((sum, source) => sum + source.bytes, 0);
    this.#onProgress = onProgress;
    const urls = sources.map((source) => source.url);
    this.#split = new Set(urls.filter((url, index) => urls.indexOf(url) !== index));
  }

  /** Start fetching ahead of the first `take`. */
  start() {
    this.#pump();
  }

  /**
   * The bytes of one source, verified. They are let go of here, so a second `take` fetches again.
   *
   * @param {number} index
   * @returns {Promise<Uint8Array<ArrayBuffer>>}
   */
  async take(index) {
    let promise = this.#fetched.get(index);
    if (!promise) {
      if (!this.#wanted.has(index)) this.#wanted.set(index, deferred());
      this.#pump();
      promise = this.#fetched.get(index) ?? this.#wanted.get(index)?.promise;
    }
    try {
      return await /** @type {Promise<Uint8Array<ArrayBuffer>>} */ (promise);
    } finally {
      if (this.#fetched.delete(index)) this.#heldBytes -= this.#sources[index].bytes;
      this.#pump();
    }
  }

  /** @param {number} bytes */
  #count(bytes) {
    this.#received += bytes;
    this.#onProgress(Math.min(this.#received, this.#total), this.#total); // a source may be fetched twice
  }

  #pump() {
    while (this.#running < AT_ONCE) {
      const [wanted] = this.#wanted.keys();
      const index = wanted ?? this.#ahead();
      if (index === undefined) return;
      this.#fetch(index);
    }
  }

  /** The next source worth fetching ahead, if its bytes may be held. */
  #ahead() {
    while (this.#started.has(this.#next)) this.#next++;
    const source = this.#sources[this.#next];
    if (!source || this.#heldBytes + source.bytes > HELD_BYTES) return undefined;
    return this.#next;
  }

  /** @param {number} index */
  #fetch(index) {
    const source = this.#sources[index];
    this.#started.add(index);
    this.#running++;
    this.#heldBytes += source.bytes;
    const promise = fetchRange(source, {
      whole: source.offset === 0 && !this.#split.has(source.url),
      onBytes: (count) => this.#count(count),
    }).finally(() => {
      this.#running--;
      this.#pump();
    });
    promise.catch(() => {}); // whoever takes it hears of the failure
    this.#fetched.set(index, promise);
    this.#wanted.get(index)?.resolve(promise);
    this.#wanted.delete(index);
  }
}

function deferred() {
  /** @type {(bytes: Promise<Uint8Array<ArrayBuffer>>) => void} */
  let resolve = () => {};
  const promise = /** @type {Promise<Uint8Array<ArrayBuffer>>} */ (new Promise((settle) => (resolve = settle)));
  return { resolve, promise };
}
