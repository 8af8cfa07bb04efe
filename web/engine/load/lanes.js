/** So many requests at a time: a browser holds back more to one host, and a request that waits there looks stalled. */

/** What browsers have to one host over HTTP/1.1. */
const AT_ONCE = 6;

export class Lanes {
  #free;
  /** @type {(() => void)[]} */
  #urgent = [];
  /** @type {(() => void)[]} */
  #others = [];

  /** @param {number} [most] */
  constructor(most = AT_ONCE) {
    this.#free = most;
  }

  /**
   * Do something when there is room for it.
   *
   * @template T
   * @param {() => Promise<T>} task
   * @param {{ urgent?: boolean }} [options]  urgent: before what is not
   * @returns {Promise<T>}
   */
  async run(task, { urgent = false } = {}) {
    if (this.#free > 0) this.#free--;
    else await new Promise((/** @type {(nothing: void) => void} */ begin) => (urgent ? this.#urgent : this.#others).push(begin));
    try {
      return await task();
    } finally {
      const next = this.#urgent.shift() ?? this.#others.shift();
      if (next) next();
      else this.#free++;
    }
  }
}
