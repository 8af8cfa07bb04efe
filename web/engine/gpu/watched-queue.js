/**
 * Waiting for a queue's work. Some browsers look at the GPU only when something is submitted, and else ten times a
 * second (Firefox does), so that whoever waits hears of it up to 100 ms late. There an empty submit makes them look.
 * An idle queue tells such a browser from one that says at once when work is done: then no empty submit is made.
 */

const LOOK_MS = 4; // timers of a worker come no sooner
const LONGER = 1.125; // each pause, once they are an eighth of the wait: that much later is its end noticed
const LATE_MS = 50; // of an idle queue's answer: half of what lies between two looks

export class WatchedQueue {
  #queue;
  #submitted = 0;
  #isProbing = false;
  /** Whether the browser says at once when work is done, as far as is known. */
  isPrompt = false;

  /** @param {GPUQueue} queue  all submits must go through `submit` */
  constructor(queue) {
    this.#queue = queue;
    this.#probe();
  }

  /** @param {GPUCommandBuffer[]} commands */
  submit(commands) {
    this.#submitted++;
    this.#queue.submit(commands);
  }

  /** Wait until all that was submitted is done. */
  done() {
    return this.until(this.#queue.onSubmittedWorkDone());
  }

  /**
   * Wait for something that submitted work brings about.
   *
   * @template T
   * @param {Promise<T>} promise
   * @returns {Promise<T>}
   */
  async until(promise) {
    if (this.isPrompt) return promise;
    let pause = LOOK_MS;
    let waited = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    const look = () => {
      this.submit([]);
      waited += pause;
      pause = Math.max(pause, waited * (LONGER - 1));
      timer = setTimeout(look, pause);
    };
    timer = setTimeout(look, 0);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#probe();
    }
  }

  /**
   * Ask the idle queue. The first answer comes at some look, the second a whole time between two looks later. If
   * something was submitted meanwhile, that says nothing, and another wait asks again.
   */
  async #probe() {
    if (this.isPrompt || this.#isProbing) return;
    this.#isProbing = true;
    const before = this.#submitted;
    try {
      await this.#queue.onSubmittedWorkDone();
      const start = performance.now();
      await this.#queue.onSubmittedWorkDone();
      const ms = performance.now() - start;
      if (ms < LATE_MS && this.#submitted === before) this.isPrompt = true;
    } catch {
      // the device is lost: whoever waits for it is told
    }
    this.#isProbing = false;
  }
}
