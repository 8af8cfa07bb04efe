/**
 * One line about the engine: how far loading is, then how fast it replies.
 * @import { Progress, Stage } from "../engine/protocol.js"
 */

import { element } from "./dom.js";

/** Loading runs its stages at the same time; the line tells of the first that is not over. */
const STAGES = /** @type {const} */ (["weights", "runtime", "shaders"]);

export class Status {
  #bar = element("progress", { max: "1", "aria-label": "Loading", hidden: true });
  #text = element("span", { role: "status" });
  element = element("div", { class: "status" }, this.#text, this.#bar);
  /** @type {Map<Stage, Progress>} */
  #progress = new Map();

  /** @param {Progress} progress */
  showProgress(progress) {
    this.#progress.set(progress.stage, progress);
    const current = STAGES.map((stage) => this.#progress.get(stage)).find((known) => known && known.done < known.total);
    if (!current) return;
    this.#bar.hidden = false;
    this.#bar.value = current.done / current.total;
    this.#write(describe(current));
  }

  /** @param {string} text */
  showLine(text) {
    this.#progress.clear();
    this.#bar.hidden = true;
    this.#write(text);
  }

  /** @param {string} text */
  #write(text) {
    if (this.#text.textContent !== text) this.#text.textContent = text;
  }
}

/** @param {Progress} progress */
function describe({ stage, done, total }) {
  if (stage === "runtime") return "Starting Python";
  if (stage === "shaders") return `Preparing shaders: ${done} of ${total}`;
  return `Loading the model: ${megabytes(done)} of ${megabytes(total)} MB`;
}

/** @param {number} bytes */
function megabytes(bytes) {
  return (bytes / 1e6).toFixed(bytes < 1e8 ? 1 : 0);
}
