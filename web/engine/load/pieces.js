/**
 * Pieces from where they are nearest: this device's store, else the network, and then kept.
 * @import { Patience, Source } from "./fetch-range.js"
 * @import { Store } from "../store/store.js"
 */

import { DownloadError } from "../errors.js";
import { fetchRange, PATIENCE } from "./fetch-range.js";
import { isError } from "../store/opfs.js";
import { sha256 } from "./sha256.js";
import { lockOf } from "../store/store.js";

/** @typedef {(received: number) => void} OnBytes */

const NO_ROOM =
  "This browser has no room to keep the whole model: what does not fit is downloaded again next time. " +
  "Free some space, or delete models that you no longer use.";

export class Pieces {
  /** @type {Store | null} */
  #store;
  #patience;
  #signal;
  #onNote;
  #onUnkept;
  /** @type {Promise<Set<string>>} */
  #kept;
  /** Bytes that came from the network, without those that were thrown away. */
  fetched = 0;

  /**
   * @param {Store | null} store
   * @param {object} [options]
   * @param {Patience} [options.patience]
   * @param {AbortSignal} [options.signal]
   * @param {(note: string | null) => void} [options.onNote]  called with what it waits for; null when it goes on
   * @param {(message: string) => void} [options.onUnkept]  called once, when pieces cannot be kept any more
   */
  constructor(store, { patience = PATIENCE, signal, onNote = () => {}, onUnkept = () => {} } = {}) {
    this.#store = store;
    this.#patience = patience;
    this.#signal = signal;
    this.#onNote = onNote;
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
   * @param {OnBytes} [options.onBytes]  called with bytes that have come; negative when they are thrown away
   * @returns {Promise<Uint8Array<ArrayBuffer>>}
   */
  async get(source, { whole = false, onBytes = () => {} } = {}) {
    const { bytes, sha256: piece } = source;
    const kept = await this.#fromStore(piece, bytes, onBytes);
    if (kept) return kept;
    const fetch = async () => {
      // another tab may have fetched it while this one waited for the lock
      const late = await this.#fromStore(piece, bytes, onBytes);
      if (late) return late;
      const fetched = await this.#fetchProven(source, whole, onBytes);
      await this.#keep(piece, fetched);
      return fetched;
    };
    if (!this.#store) return fetch();
    return navigator.locks.request(lockOf(piece), { signal: this.#signal }, fetch);
  }

  /**
   * A part of a piece, unproven: from the store where it is kept, else from the network.
   *
   * @param {Source} source
   * @param {number} offset  from the source's start
   * @param {number} length
   * @returns {Promise<Uint8Array<ArrayBuffer>>}
   */
  async part(source, offset, length) {
    if (this.#store && (await this.#kept).has(source.sha256)) {
      const found = await this.#store.read(source.sha256, offset, length).catch(() => null);
      if (found?.length === length) return found;
    }
    const wanted = { ...source, offset: source.offset + offset, bytes: length };
    const onBytes = (/** @type {number} */ received) => (this.fetched += received);
    return fetchRange(wanted, { patience: this.#patience, signal: this.#signal, onNote: this.#onNote, onBytes });
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
   * @param {boolean} whole
   * @param {OnBytes} onBytes
   */
  async #fetchProven(source, whole, onBytes) {
    let found = "";
    const count = (/** @type {number} */ received) => {
      this.fetched += received;
      onBytes(received);
    };
    // What is kept in the store need not lie in the browser's cache too; and a cache may be what is damaged.
    for (const cache of /** @type {const} */ ([this.#store ? "no-store" : "default", "reload"])) {
      const options = { whole, cache, patience: this.#patience, signal: this.#signal, onNote: this.#onNote };
      const bytes = await fetchRange(source, { ...options, onBytes: count });
      found = await sha256(bytes);
      if (found === source.sha256) return bytes;
      count(-bytes.length);
    }
    throw new DownloadError(
      `${source.url} is damaged: its SHA-256 is ${found.slice(0, 12)}…, not ${source.sha256.slice(0, 12)}…, and was so twice. ` +
        "Try again later; if it stays, the site must be built or uploaded again.",
    );
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
