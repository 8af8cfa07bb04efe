/** What a device finds wrong: where it is asked, else at the next read; and its loss. */

import { DeviceError } from "../errors.js";

const LOSS_SHOWS_MS = 1000;

export class Faults {
  #device;
  /** @type {GPUError | null} */
  #uncaptured = null;
  /** The message for the person, once the device is lost. */
  lost;

  /** @param {GPUDevice} device */
  constructor(device) {
    this.#device = device;
    // what no scope is around: writes, copies
    device.onuncapturederror = ({ error }) => {
      this.#uncaptured ??= error;
    };
    this.lost = device.lost.then(
      ({ message }) => `The graphics card was lost (${message || "no reason given"}). Close other tabs that use it, then try again.`,
    );
  }

  /** Throws what went wrong since the last check in work that nobody watched. */
  check() {
    const error = this.#uncaptured;
    if (!error) return;
    this.#uncaptured = null;
    if (error instanceof GPUOutOfMemoryError) throw new DeviceError(full("what was asked of it"));
    throw new DeviceError(`The graphics card refused its work: ${error.message}. Try again; if it stays, reload the page.`);
  }

  /**
   * Do something on the device, and throw what the device finds wrong with it.
   *
   * @param {string} what  for the message
   * @param {() => void} act
   */
  async checked(what, act) {
    this.#device.pushErrorScope("out-of-memory");
    this.#device.pushErrorScope("validation");
    /** @type {Promise<(GPUError | null)[]>} */
    let found;
    try {
      act();
    } finally {
      found = Promise.all([this.#device.popErrorScope(), this.#device.popErrorScope()]);
    }
    const [invalid, noRoom] = await found;
    if (noRoom) throw new DeviceError(full(what));
    if (invalid) throw new DeviceError(`The graphics card refused ${what}: ${invalid.message}`);
  }

  /**
   * Wait for something of the device's. A lost device refuses it without saying why, so ask why.
   *
   * @template T
   * @param {Promise<T>} promise
   * @returns {Promise<T>}
   */
  async explained(promise) {
    try {
      return await promise;
    } catch (error) {
      if (error instanceof DeviceError) throw error;
      /** @type {Promise<null>} */
      const late = new Promise((resolve) => setTimeout(resolve, LOSS_SHOWS_MS, null));
      const message = await Promise.race([this.lost, late]);
      throw message ? new DeviceError(message) : error;
    }
  }
}

/** @param {string} what */
function full(what) {
  return `The graphics card has no room for ${what}. Close other tabs, or choose a smaller context.`;
}
