/**
 * Fetch one range of a file through a bad network: retries, goes on where it broke off, waits while offline.
 * @import { OnNote, Patience } from "./patience.js"
 */

import { DownloadError, NoRanges, PolicyError } from "../errors.js";
import { allowedFetch } from "../policy.js";
import { PATIENCE, Quiet } from "./patience.js";
import { Deadline, online, pause } from "./waiting.js";

/** @typedef {{ url: string, offset: number, bytes: number, sha256: string }} Source  with an absolute url */

/**
 * @typedef {object} FetchOptions
 * @property {boolean} [whole]  the source is probably the whole file, so ask without a Range
 * @property {RequestCache} [cache]
 * @property {Partial<Patience>} [patience]
 * @property {AbortSignal} [signal]
 * @property {Uint8Array} [head]  what came of it another time: this goes on behind it
 * @property {(received: number) => void} [onBytes]  called with bytes received; negative when they are thrown away, the head's too
 * @property {(chunk: Uint8Array<ArrayBuffer>, at: number) => void} [onChunk]  called with bytes as they come, and where
 *   they lie in the source; at 0 again where a server starts over
 * @property {(response: Response) => void} [onResponse]  called with each answer that brings a file from its start, before it is read
 * @property {OnNote} [onNote]
 */

const PROGRESS_BYTES = 1 << 20; // a try that brought so much was not in vain
const PASSING_STATUS = new Set([408, 425, 429]);

/** A failure that another try may mend: the network's, or the server's. */
class Passing extends Error {}

/**
 * The bytes of a source, of the right length but unproven.
 *
 * @param {Source} source
 * @param {FetchOptions} [options]
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function fetchRange(source, options = {}) {
  const patience = { ...PATIENCE, ...options.patience };
  const quiet = new Quiet(patience.quietMs, options.onNote ?? (() => {}));
  const onBytes = (/** @type {number} */ count) => {
    if (count > 0) quiet.moved();
    options.onBytes?.(count);
  };
  try {
    return await insist(new Arriving(source, { ...options, patience, onBytes }), source.url, patience, quiet, options.signal);
  } finally {
    quiet.end();
  }
}

/**
 * Ask again and again, as long as patience has it.
 *
 * @param {Arriving} range
 * @param {string} url
 * @param {Patience} patience
 * @param {Quiet} quiet
 * @param {AbortSignal} [signal]
 */
async function insist(range, url, patience, quiet, signal) {
  let failures = 0;
  for (;;) {
    const before = range.received;
    try {
      quiet.asking();
      return await range.go();
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof Passing)) throw error;
      if (range.received - before >= PROGRESS_BYTES) failures = 0;
      if (globalThis.navigator?.onLine === false) {
        quiet.offline();
        await online(patience.offlineMs, signal);
      } else if (failures++ < patience.retries) {
        const ms = Math.min(patience.pauseMs * 2 ** (failures - 1), patience.mostPauseMs);
        quiet.pausing(sentence(error.message), ms);
        await pause(ms, signal);
      } else {
        throw new DownloadError(`${url} could not be fetched: ${error.message}. Check the connection and try again.`);
      }
    }
  }
}

/** A range of which a part may have arrived. */
class Arriving {
  #source;
  #options;
  #bytes;
  received = 0;

  /**
   * @param {Source} source
   * @param {FetchOptions & { patience: Patience, onBytes: (received: number) => void }} options
   */
  constructor(source, options) {
    const { head = new Uint8Array() } = options;
    this.#source = source;
    this.#options = options;
    this.#bytes = new Uint8Array(source.bytes);
    this.#bytes.set(head);
    this.received = head.length;
  }

  /** Ask for what is missing; throws Passing when less arrives. */
  async go() {
    if (this.received === this.#bytes.length) return this.#bytes;
    const deadline = new Deadline(this.#options.patience.stallMs, this.#options.signal);
    try {
      await this.#receive(await this.#ask(deadline.signal), deadline);
    } catch (error) {
      if (deadline.passed) throw new Passing(`nothing arrived for ${this.#options.patience.stallMs / 1000} seconds`);
      throw error;
    } finally {
      deadline.end();
    }
    return this.#bytes;
  }

  /**
   * @param {AbortSignal} signal
   * @returns {Promise<Response>} whose body starts where the next byte is missing
   */
  async #ask(signal) {
    const { url, offset, bytes } = this.#source;
    const { whole = false, cache = "default" } = this.#options;
    const start = offset + this.received;
    const headers = whole && !this.received ? undefined : { Range: `bytes=${start}-${offset + bytes - 1}` };
    const response = await allowedFetch(url, { headers, cache, signal }).catch(asUnreachable);
    const { status } = response;
    if (status >= 500 || PASSING_STATUS.has(status)) throw new Passing(`the server answered ${status}`);
    if (status === 416) {
      throw new DownloadError(`${url} has the wrong length: bytes up to ${offset + bytes} are wanted, it ends before. Build the site again, or upload the file again.`);
    }
    if (!response.ok) {
      throw new DownloadError(`${url} could not be fetched: the server answered ${status}. Check that the site's files are all there.`);
    }
    if (headers && status !== 206) this.#startOver(response);
    if (status !== 206) this.#options.onResponse?.(response);
    return response;
  }

  /**
   * The server sends the file from its start, whatever it was asked for.
   *
   * @param {Response} response
   */
  #startOver(response) {
    if (this.#source.offset > 0) {
      response.body?.cancel();
      throw new NoRanges(`${this.#source.url}: the server does not serve byte ranges. Use a server that answers Range requests with 206.`);
    }
    this.#options.onBytes(-this.received);
    this.received = 0;
  }

  /**
   * Take what a response brings, up to the end of the source.
   *
   * @param {Response} response
   * @param {Deadline} deadline
   */
  async #receive(response, deadline) {
    const length = this.#bytes.length;
    const reader = response.body?.getReader();
    for (;;) {
      const value = (await reader?.read().catch(asPassing))?.value;
      if (!value && this.received < length) throw new Passing(`the answer ended after ${this.received} of ${length} bytes`);
      if (!value || this.received === length) break;
      deadline.moved();
      const taken = value.subarray(0, length - this.received);
      this.#bytes.set(taken, this.received);
      this.#options.onChunk?.(taken, this.received);
      this.received += taken.length;
      this.#options.onBytes(taken.length);
    }
    await reader?.cancel(); // a longer file than ours
  }
}

/**
 * @param {Error} error
 * @returns {never}
 */
function asPassing(error) {
  throw new Passing(`the connection broke off (${error.message})`);
}

/**
 * @param {Error} error
 * @returns {never}
 */
function asUnreachable(error) {
  if (error instanceof PolicyError) throw error;
  throw new Passing(`the server cannot be reached (${error.message})`);
}

/** @param {string} words */
function sentence(words) {
  return words[0].toUpperCase() + words.slice(1);
}
