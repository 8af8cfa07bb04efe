/**
 * Pieces from where they are nearest: this device's store, else the network, and then kept.
 * @import { Source } from "./fetch-range.js"
 * @import { OnNote, Patience } from "./patience.js"
 * @import { Span } from "./spans.js"
 * @import { Partial } from "../store/partial.js"
 * @import { Store } from "../store/store.js"
 */

import { DownloadError, NoRanges } from "../errors.js";
import { fetchRange } from "./fetch-range.js";
import { Lanes } from "./lanes.js";
import { isError } from "../store/opfs.js";
import { PATIENCE, Waits } from "./patience.js";
import { merged } from "./spans.js";
import { sha256 } from "./sha256.js";
import { lockOf } from "../store/store.js";

/** @typedef {(received: number) => void} OnBytes */
/** @typedef {import("./fetch-range.js").FetchOptions} FetchOptions */
/** @typedef {Span & { source: number }} Part  of a source, by its number */

/** Parts that go together: 64 KiB more of one answer take less time than another request. */
const TOGETHER = { gap: 64 << 10, most: 1 << 20 };

const NO_ROOM =
  "This browser has no room to keep the whole model: what does not fit is downloaded again next time. " +
  "Free some space, or delete models that you no longer use.";

export class Pieces {
  /** @type {Store | null} */
  #store;
  #patience;
  #signal;
  #waits;
  #together;
  #onUnkept;
  #lanes = new Lanes();
  /** @type {Promise<Set<string>>} */
  #kept;
  /** Bytes that came from the network, without those that were thrown away. */
  fetched = 0;

  /**
   * @param {Store | null} store
   * @param {object} [options]
   * @param {Patience} [options.patience]
   * @param {AbortSignal} [options.signal]
   * @param {{ gap: number, most: number }} [options.together]  bytes: how near parts are asked for together, and how many
   * @param {OnNote} [options.onNote]
   * @param {(message: string) => void} [options.onUnkept]  called once, when pieces cannot be kept any more
   */
  constructor(store, { patience = PATIENCE, signal, together = TOGETHER, onNote = () => {}, onUnkept = () => {} } = {}) {
    this.#store = store;
    this.#patience = patience;
    this.#signal = signal;
    this.#waits = new Waits(onNote);
    this.#together = together;
    this.#onUnkept = onUnkept;
    this.#kept = listKept(store);
  }

  /** @returns {Promise<Set<string>>} SHA-256 of the pieces that are kept, as far as one sees from outside; it grows */
  kept() {
    return this.#kept;
  }

  /**
   * A piece, proven.
   *
   * @param {Source} source
   * @param {object} [options]
   * @param {boolean} [options.whole]  the source is probably the whole file
   * @param {boolean} [options.urgent]  before others
   * @param {OnBytes} [options.onBytes]  called with bytes that have come; negative when they are thrown away
   * @returns {Promise<Uint8Array<ArrayBuffer>>}
   */
  async get(source, { whole = false, urgent = false, onBytes = () => {} } = {}) {
    const { bytes, sha256: piece } = source;
    const kept = await this.#fromStore(piece, bytes, onBytes);
    if (kept) return kept;
    const fetch = async () => {
      // another tab may have fetched it while this one waited for the lock
      const late = await this.#fromStore(piece, bytes, onBytes);
      if (late) return late;
      return this.#fetchAndKeep(source, { whole, urgent }, onBytes);
    };
    if (!this.#store) return fetch();
    return navigator.locks.request(lockOf(piece), { signal: this.#signal }, fetch);
  }

  /**
   * Parts of sources, unproven: from the store where they are kept, else from the network, neighbours together.
   *
   * @param {Source[]} sources
   * @param {Part[]} parts
   * @returns {Promise<Uint8Array<ArrayBuffer>[]>} in the order of `parts`
   */
  async parts(sources, parts) {
    /** @type {Uint8Array<ArrayBuffer>[]} */
    const found = [];
    const take = async (/** @type {number} */ source) => {
      const places = [...parts.keys()].filter((place) => parts[place].source === source);
      const bytes = await this.#partsOf(sources[source], places.map((place) => parts[place]));
      for (const [index, place] of places.entries()) found[place] = bytes[index];
    };
    await Promise.all([...new Set(parts.map(({ source }) => source))].map(take));
    return found;
  }

  /**
   * @param {Source} source
   * @param {Span[]} spans  from the source's start
   * @returns {Promise<Uint8Array<ArrayBuffer>[]>}
   */
  async #partsOf(source, spans) {
    const kept = await this.#partsFromStore(source, spans);
    if (kept) return kept;
    try {
      return await this.#partsByRange(source, spans);
    } catch (error) {
      if (!(error instanceof NoRanges) || source.offset > 0) throw error;
      const bytes = await this.get(source, { whole: true, urgent: true }); // once: then it is kept
      return spans.map(({ offset, length }) => bytes.slice(offset, offset + length));
    }
  }

  /**
   * @param {Source} source
   * @param {Span[]} spans
   * @returns {Promise<Uint8Array<ArrayBuffer>[] | null>} null if it is not kept
   */
  async #partsFromStore({ sha256: piece }, spans) {
    const store = this.#store;
    if (!store || !(await this.#kept).has(piece)) return null;
    const found = await Promise.all(spans.map(({ offset, length }) => store.read(piece, offset, length))).catch(() => null);
    return found?.every((bytes, place) => bytes.length === spans[place].length) ? found : null;
  }

  /**
   * @param {Source} source
   * @param {Span[]} spans
   */
  async #partsByRange(source, spans) {
    /** @type {Uint8Array<ArrayBuffer>[]} */
    const found = [];
    let failed = false; // then those that wait for their turn need not come
    const patience = { ...this.#patience, retries: Math.min(this.#patience.retries, PATIENCE.retries) }; // a reply waits
    const onBytes = (/** @type {number} */ received) => (this.fetched += received);
    const take = async (/** @type {import("./spans.js").Merged} */ { offset, length, places }) => {
      const wanted = { ...source, offset: source.offset + offset, bytes: length };
      const bytes = await this.#fetch(wanted, { patience, onBytes }, true, () => failed);
      for (const place of places) {
        const start = spans[place].offset - offset;
        found[place] = bytes.slice(start, start + spans[place].length); // the rest is let go of
      }
    };
    const all = Promise.all(merged(spans, this.#together).map(take));
    await all.catch((error) => {
      failed = true;
      throw error;
    });
    return found;
  }

  /**
   * When there is room among the requests.
   *
   * @param {Source} source
   * @param {FetchOptions} options
   * @param {boolean} urgent  before others
   * @param {() => boolean} [isOver]  nobody waits for it any more
   * @returns {Promise<Uint8Array<ArrayBuffer>>}
   */
  #fetch(source, options, urgent, isOver = () => false) {
    const fetch = async () => {
      this.#signal?.throwIfAborted();
      if (isOver()) throw new DownloadError(`${source.url} was not fetched.`);
      const wait = this.#waits.open();
      try {
        return await fetchRange(source, { patience: this.#patience, signal: this.#signal, onNote: wait.tell, ...options });
      } finally {
        wait.end();
      }
    };
    return this.#lanes.run(fetch, { urgent });
  }

  /**
   * @param {string} piece
   * @param {number} bytes
   * @param {OnBytes} onBytes
   */
  async #fromStore(piece, bytes, onBytes) {
    this.#signal?.throwIfAborted();
    const found = await this.#store?.get(piece, bytes).catch(() => null);
    if (found) onBytes(bytes);
    else (await this.#kept).delete(piece);
    return found;
  }

  /**
   * @param {Source} source
   * @param {{ whole: boolean, urgent: boolean }} how
   * @param {OnBytes} onBytes
   */
  async #fetchAndKeep(source, how, onBytes) {
    const partial = (await this.#store?.openPartial(source.sha256)) ?? null;
    try {
      const bytes = await this.#fetchProven(source, how, partial, onBytes);
      const isKept = await partial?.finish(bytes.length).catch(() => false);
      if (isKept) (await this.#kept).add(source.sha256);
      else await this.#keep(source.sha256, bytes);
      return bytes;
    } finally {
      partial?.close();
    }
  }

  /**
   * @param {Source} source
   * @param {{ whole: boolean, urgent: boolean }} how
   * @param {Partial | null} partial  what came of it another time, and where to put what comes
   * @param {OnBytes} onBytes
   */
  async #fetchProven(source, { whole, urgent }, partial, onBytes) {
    let head = partial?.read(source.bytes) ?? new Uint8Array();
    let old = head.length; // of what is told, bytes that the network did not bring
    onBytes(old);
    const count = (/** @type {number} */ received) => {
      onBytes(received);
      this.fetched += received;
      if (received < 0) [this.fetched, old] = [this.fetched + old, 0];
    };
    let found = "";
    // What is kept in the store need not lie in the browser's cache too; and a cache may be what is damaged.
    /** @type {RequestCache[]} */
    const caches = [this.#store ? "no-store" : "default", "reload"];
    if (old) caches.unshift("no-store"); // what was begun may be of another file
    for (const cache of caches) {
      const onChunk = (/** @type {Uint8Array<ArrayBuffer>} */ chunk, /** @type {number} */ at) => partial?.write(chunk, at);
      const options = { whole, cache, head, onBytes: count, onChunk };
      const bytes = await this.#fetch(source, options, urgent);
      found = await sha256(bytes);
      if (found === source.sha256) return bytes;
      count(-bytes.length);
      head = new Uint8Array();
    }
    partial?.drop();
    throw damaged(source, found);
  }

  /**
   * @param {string} piece
   * @param {Uint8Array<ArrayBuffer>} bytes
   */
  async #keep(piece, bytes) {
    try {
      await this.#store?.put(piece, bytes);
      if (this.#store) (await this.#kept).add(piece);
    } catch (error) {
      if (!this.#store) return; // told already
      this.#store = null;
      const why = /** @type {Error} */ (error).message;
      this.#onUnkept(isError(error, "QuotaExceededError") ? NO_ROOM : `This browser could not keep the model (${why}): it is downloaded again next time.`);
    }
  }
}

/** @param {Store | null} store */
async function listKept(store) {
  const sizes = await store?.sizes().catch(() => null);
  return new Set(sizes?.keys());
}

/**
 * @param {Source} source
 * @param {string} found  the SHA-256 of what came
 */
export function damaged({ url, sha256 }, found) {
  return new DownloadError(
    `${url} is damaged: its SHA-256 is ${found.slice(0, 12)}…, not ${sha256.slice(0, 12)}…, and was so twice. ` +
      "Try again later; if it stays, the site must be built or uploaded again.",
  );
}
