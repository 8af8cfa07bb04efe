/**
 * The artifact's sources in the order of need: several at once, ahead of who needs them, and never more
 * bytes in JavaScript than the budget. What is kept in the store may be let go of and read again.
 * @import { Source } from "./fetch-range.js"
 * @import { Pieces } from "./pieces.js"
 */

const AT_ONCE = 4;
const BUDGET_BYTES = 256 << 20;
const TELL_MS = 100;

/**
 * Where a source stands: not begun; on its way; its bytes at hand; let go of, so that it comes again only when asked for.
 * @typedef {"idle" | "coming" | "held" | "gone"} State
 */

/**
 * @typedef {object} Slot
 * @property {Source} source
 * @property {State} state
 * @property {number} takers  who wait for it or use it
 * @property {number} done  bytes that have come
 * @property {boolean} seen  whether all of it came once, so that it counts no more
 * @property {Arrival} arrival
 */

/** @typedef {{ promise: Promise<Uint8Array<ArrayBuffer>>, resolve: (bytes: Uint8Array<ArrayBuffer>) => void, reject: (error: unknown) => void }} Arrival */

export class Downloads {
  #pieces;
  #budget;
  #largest;
  #onProgress;
  /** @type {Slot[]} */
  #slots;
  /** @type {Set<string>} */
  #split;
  /** @type {Set<string>} */
  #kept = new Set();
  #running = 0;
  #held = 0;
  #told = 0;
  #stopped = false;
  #failed = false;
  /** @type {(error: unknown) => void} */
  #onFailure;
  /** The most bytes that were held at any time. */
  mostHeld = 0;

  /**
   * @param {Source[]} sources  of the manifest, with absolute urls
   * @param {Pieces} pieces
   * @param {object} [options]
   * @param {number} [options.budget]  bytes
   * @param {(done: number, total: number) => void} [options.onProgress]  in bytes
   * @param {(error: unknown) => void} [options.onFailure]  called with the first failure, whoever takes that source
   */
  constructor(sources, pieces, { budget = BUDGET_BYTES, onProgress = () => {}, onFailure = () => {} } = {}) {
    this.#pieces = pieces;
    this.#budget = budget;
    this.#largest = Math.max(0, ...sources.map((source) => source.bytes));
    this.#onProgress = onProgress;
    this.#onFailure = onFailure;
    this.#slots = sources.map((source) => ({ source, state: "idle", takers: 0, done: 0, seen: false, arrival: promised() }));
    const urls = sources.map(({ url }) => url);
    this.#split = new Set(urls.filter((url, index) => urls.indexOf(url) !== index));
  }

  /** Start fetching ahead of the first `use`. */
  async start() {
    this.#kept = await this.#pieces.kept();
    this.#pump();
  }

  /** Fetch nothing more, and let go of what nobody took. */
  stop() {
    this.#stopped = true;
    for (const slot of this.#slots) if (!slot.takers && slot.state === "held") this.#drop(slot);
  }

  /**
   * Do something with the bytes of one source, proven. They are let go of when it is done.
   *
   * @param {number} index
   * @param {(bytes: Uint8Array<ArrayBuffer>) => void | Promise<void>} act
   */
  async use(index, act) {
    const slot = this.#slots[index];
    slot.takers++;
    this.#pump();
    try {
      await act(await slot.arrival.promise);
    } finally {
      slot.takers--;
      if (!slot.takers && slot.state === "held") this.#drop(slot);
      this.#pump();
    }
  }

  #pump() {
    if (this.#failed) return;
    for (const slot of this.#slots) {
      if (!slot.takers || slot.state === "held" || slot.state === "coming") continue;
      if (!this.#makeRoom(slot.source.bytes)) return; // what is coming makes room when it has come
      this.#fetch(slot);
    }
    while (this.#running < AT_ONCE && !this.#stopped) {
      const slot = this.#ahead();
      if (!slot) return;
      this.#fetch(slot);
    }
  }

  /**
   * The next source to fetch ahead, if its bytes may be held and leave room for one that somebody waits
   * for: from the network first, which is what takes long.
   */
  #ahead() {
    const room = this.#budget - this.#largest - this.#held;
    const idle = this.#slots.filter(({ state }) => state === "idle");
    const missing = idle.find((slot) => !this.#isKept(slot));
    if (missing && missing.source.bytes <= room) return missing;
    const kept = idle.find((slot) => this.#isKept(slot));
    return kept && kept.source.bytes <= room - this.#budget / 4 ? kept : undefined;
  }

  /** @param {Slot} slot */
  async #fetch(slot) {
    const { source } = slot;
    slot.state = "coming";
    this.#running++;
    this.#held += source.bytes;
    this.mostHeld = Math.max(this.mostHeld, this.#held);
    try {
      const whole = source.offset === 0 && !this.#split.has(source.url);
      const bytes = await this.#pieces.get(source, { whole, onBytes: (count) => this.#count(slot, count) });
      slot.state = "held";
      slot.seen = true;
      slot.arrival.resolve(bytes);
      if (!slot.takers && this.#isKept(slot) && (this.#stopped || this.#isTight())) this.#drop(slot);
      this.#running--;
      this.#pump();
    } catch (error) {
      this.#fail(error);
    }
  }

  /**
   * One source that cannot be had is the end of all.
   *
   * @param {unknown} error
   */
  #fail(error) {
    if (this.#failed) return;
    this.#failed = true;
    for (const slot of this.#slots) slot.arrival.reject(error);
    this.#onFailure(error);
  }

  /**
   * Let go of what nobody waits for, the last in order first.
   *
   * @param {number} bytes
   * @returns {boolean} whether they fit now
   */
  #makeRoom(bytes) {
    for (const slot of this.#slots.toReversed()) {
      if (this.#held + bytes <= this.#budget) return true;
      if (slot.state === "held" && !slot.takers) this.#drop(slot);
    }
    return this.#held === 0; // then it is larger than the budget, and must come all the same
  }

  /** Whether what is kept in the store had better not be held as well. */
  #isTight() {
    return this.#held > this.#budget / 2;
  }

  /** @param {Slot} slot */
  #drop(slot) {
    slot.state = "gone";
    slot.arrival = promised();
    this.#held -= slot.source.bytes;
  }

  /** @param {Slot} slot */
  #isKept(slot) {
    return this.#kept.has(slot.source.sha256);
  }

  /**
   * @param {Slot} slot
   * @param {number} count
   */
  #count(slot, count) {
    if (slot.seen) return; // let go of once, and read again
    slot.done += count;
    const done = this.#slots.reduce((sum, each) => sum + each.done, 0);
    const total = this.#slots.reduce((sum, each) => sum + each.source.bytes, 0);
    if (slot.done < slot.source.bytes && performance.now() - this.#told < TELL_MS) return;
    this.#told = performance.now();
    this.#onProgress(done, total);
  }
}

/** @returns {Arrival} */
function promised() {
  /** @type {Arrival["resolve"]} */
  let resolve = () => {};
  /** @type {Arrival["reject"]} */
  let reject = () => {};
  /** @type {Arrival["promise"]} */
  const promise = new Promise((...settle) => ([resolve, reject] = settle));
  promise.catch(() => {}); // whoever uses it hears of the failure
  return { promise, resolve, reject };
}
