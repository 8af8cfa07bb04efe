/**
 * One line about the engine: how far loading is, then how fast it replies. The words are told to those
 * who listen; the numbers beside them change too often for that.
 * @import { Progress, Stage } from "../engine/protocol.js"
 */

import { inBytes, inTime, partOf } from "../engine/check/amounts.js";
import { element } from "./dom.js";
import { Pace } from "./pace.js";

/** Loading runs its stages at the same time; the line tells of the first that is not over. */
const STAGES = /** @type {const} */ (["weights", "runtime", "shaders"]);

export class Status {
  #text = element("span", { role: "status" });
  #numbers = element("span", { class: "numbers" });
  #bar = element("progress", { max: "1", "aria-label": "Loading", hidden: true });
  #cancel = element("button", { type: "button", class: "small", hidden: true }, "Cancel");
  element = element("div", { class: "status" }, this.#text, this.#numbers, this.#bar, this.#cancel);
  /** @type {Map<Stage, Progress>} */
  #progress = new Map();
  #pace = new Pace();
  #missing = 0;
  #onCancel = () => {};

  constructor() {
    this.#cancel.addEventListener("click", () => this.#onCancel());
  }

  /**
   * Loading begins.
   *
   * @param {number} missing  bytes to download
   * @param {() => void} onCancel
   */
  begin(missing, onCancel) {
    this.showLine("Starting");
    this.#pace = new Pace();
    this.#missing = missing;
    this.#onCancel = onCancel;
    this.#cancel.hidden = false;
  }

  /** @param {Progress} progress */
  showProgress(progress) {
    this.#progress.set(progress.stage, progress);
    if (progress.fetched) this.#pace.note(progress.fetched);
    const current = STAGES.map((stage) => this.#progress.get(stage)).find((known) => known && known.done < known.total);
    if (!current) return;
    this.#bar.hidden = false;
    this.#bar.value = current.done / current.total;
    this.#write(current.note ?? this.#words(current), this.#counted(current));
  }

  /** @param {string} text */
  showLine(text) {
    this.#progress.clear();
    this.#bar.hidden = true;
    this.#cancel.hidden = true;
    this.#write(text, "");
  }

  /**
   * @param {string} text
   * @param {string} numbers
   */
  #write(text, numbers) {
    if (this.#text.textContent !== text) this.#text.textContent = text;
    this.#numbers.textContent = numbers;
  }

  /** @param {Progress} progress */
  #words({ stage }) {
    if (stage === "runtime") return "Starting Python";
    if (stage === "shaders") return "Preparing shaders";
    return this.#missing ? "Downloading the model" : "Loading the model";
  }

  /** @param {Progress} progress */
  #counted({ stage, done, total, fetched = 0, note, detail }) {
    if (stage === "runtime" && done >= total - 1) return ""; // its files are there
    if (stage === "shaders") return `${done} of ${total}`;
    const { speed } = this.#pace;
    if (note) return [detail, partOf(done, total)].filter(Boolean).join(" \u00b7 ");
    if (stage === "runtime" || speed <= 0) return partOf(done, total);
    const left = Math.max(0, this.#missing - fetched) / speed;
    return `${partOf(done, total)}, ${inBytes(speed)}/s, ${inTime(left)} left`;
  }
}
