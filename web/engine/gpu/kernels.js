/**
 * kernels.json: the shaders that plans pick from. Python knows them by name; their text stays here.
 * @import { Kernel } from "./pipelines.js"
 */

/**
 * @typedef {Kernel & { features: string[], first: string[][], trial?: unknown }} Entry  features that it needs,
 *   sets of features with which a chat begins with it, its known answer
 */

export class Kernels {
  #entries;
  /** The name of a note that is good for these kernels and this browser, which brings a compiler of its own. */
  note;

  /**
   * @param {Uint8Array<ArrayBuffer>} bytes  of the file
   * @param {string} sha256  of them
   */
  constructor(bytes, sha256) {
    /** @type {Record<string, Entry>} */
    this.#entries = JSON.parse(new TextDecoder().decode(bytes));
    const version = navigator.userAgent.replaceAll(/[^\w.]+/g, "_");
    this.note = `first-${sha256.slice(0, 32)}-${version}`.slice(0, 200);
  }

  /** @returns {string} JSON {name: {features, trial}} */
  outline() {
    const entries = Object.entries(this.#entries);
    return JSON.stringify(Object.fromEntries(entries.map(([name, { features, trial }]) => [name, { features, trial }])));
  }

  /**
   * @param {string[]} names
   * @returns {Record<string, Kernel>}
   */
  pick(names) {
    return Object.fromEntries(names.map((name) => [name, this.#entries[name]]));
  }

  /**
   * What a chat begins with on a device that has these features, but for kernels that need any: a trial has yet
   * to show that those compute rightly here.
   *
   * @param {string[]} has
   */
  plainAndFirst(has) {
    const isFirst = (/** @type {string[]} */ set) => `${set}` === `${has}`;
    return Object.keys(this.#entries).filter((name) => {
      const { features, first } = this.#entries[name];
      return !features.length && first.some(isFirst);
    });
  }
}
