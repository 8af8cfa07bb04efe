/** How fast bytes come, over the last few seconds. */

const WINDOW_MS = 5000;
const SURE_MS = 1000; // before that, a number would only jump

export class Pace {
  /** @type {{ at: number, bytes: number }[]} */
  #samples = [];

  /**
   * @param {number} bytes  that have come so far
   * @param {number} [now]  in ms
   */
  note(bytes, now = performance.now()) {
    this.#samples.push({ at: now, bytes });
    while (this.#samples[0].at < now - WINDOW_MS) this.#samples.shift();
  }

  /** @returns {number} bytes per second; 0 while it is not known */
  get speed() {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (!first || !last || last.at - first.at < SURE_MS) return 0;
    return (1000 * (last.bytes - first.bytes)) / (last.at - first.at);
  }
}
