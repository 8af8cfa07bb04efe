/** Waits that a signal can end. */

/** Aborts its signal when nothing has moved for some time, or when another signal does. */
export class Deadline {
  #controller = new AbortController();
  #ms;
  #outer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #forward = () => this.#controller.abort(this.#outer?.reason);
  passed = false;

  /**
   * @param {number} ms
   * @param {AbortSignal} [outer]
   */
  constructor(ms, outer) {
    this.#ms = ms;
    this.#outer = outer;
    if (outer?.aborted) this.#forward();
    outer?.addEventListener("abort", this.#forward);
    this.moved();
  }

  get signal() {
    return this.#controller.signal;
  }

  /** Something arrived: the time starts anew. */
  moved() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.passed = true;
      this.#controller.abort();
    }, this.#ms);
  }

  end() {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener("abort", this.#forward);
  }
}

/**
 * @param {number} ms
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>}
 */
export function pause(ms, signal) {
  return until((wake) => {
    const timer = setTimeout(wake, ms);
    return () => clearTimeout(timer);
  }, signal);
}

/**
 * What a promise comes to, or an error when it takes too long; it goes on unheard then.
 *
 * @template T
 * @param {number} ms
 * @param {Promise<T>} promise
 * @returns {Promise<T>}
 */
export function within(ms, promise) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`it took more than ${ms} ms`)), ms);
    promise.finally(() => clearTimeout(timer)).then(resolve, reject);
  });
}

/**
 * Wait until the browser says that it is online, but not for ever.
 *
 * @param {number} ms
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>}
 */
export function online(ms, signal) {
  return until((wake) => {
    const timer = setTimeout(wake, ms);
    globalThis.addEventListener("online", wake);
    return () => {
      clearTimeout(timer);
      globalThis.removeEventListener("online", wake);
    };
  }, signal);
}

/**
 * @param {(wake: () => void) => () => void} begin  returns how to let go
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>}
 */
function until(begin, signal) {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    let end = () => {};
    const abort = () => settle(() => reject(signal?.reason));
    /** @param {() => void} how */
    const settle = (how) => {
      end();
      signal?.removeEventListener("abort", abort);
      how();
    };
    signal?.addEventListener("abort", abort);
    end = begin(() => settle(resolve));
  });
}
