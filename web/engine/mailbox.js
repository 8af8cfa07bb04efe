/**
 * A queue that one reader awaits: what the worker sends before the page asks for it waits here.
 * @template T
 */
export class Mailbox {
  /** @type {T[]} */
  #items = [];
  /** @type {unknown} */
  #failure = null;
  /** @type {(() => void) | null} */
  #wake = null;

  /** @param {T} item */
  put(item) {
    this.#items.push(item);
    this.#wake?.();
  }

  /**
   * What was put before the failure is still read first.
   * @param {unknown} error
   */
  fail(error) {
    this.#failure ??= error;
    this.#wake?.();
  }

  /** @returns {Promise<T>} */
  async take() {
    while (!this.#items.length) {
      if (this.#failure) throw this.#failure;
      await new Promise((resolve) => (this.#wake = () => resolve(undefined)));
      this.#wake = null;
    }
    return /** @type {T} */ (this.#items.shift());
  }
}
