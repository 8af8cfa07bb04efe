/**
 * From the address of a model to an engine that can reply: looks, refuses what this device cannot run, asks
 * where much is to be downloaded, loads.
 * @import { Notice } from "./notice.js"
 * @import { Offer } from "./offer.js"
 * @import { Status } from "./status.js"
 * @import { Survey } from "../engine/check/survey.js"
 */

import { checkDevice } from "../engine/check/check.js";
import { Engine, EngineError } from "../engine/client.js";
import { faultIn } from "../engine/load-choices.js";
import { DownloadError, PolicyError } from "../engine/errors.js";
import { forget } from "../engine/store/models.js";
import { askToKeep, SMALL_BYTES, survey } from "../engine/check/survey.js";

/** @typedef {{ model: string, choices: import("../engine/load-choices.js").Choices, autoload: boolean }} Settings */

const RELEASE_TRIES = 20;
const RELEASE_PAUSE_MS = 100;

export class Loader {
  #status;
  #offer;
  #notice;
  /** @type {Engine | null} */
  #engine = null;
  #agreed = false;
  #turn = 0;
  /** The address of the manifest that was loaded last, or is to be. */
  manifestUrl = "";

  /**
   * @param {Status} status
   * @param {Offer} offer
   * @param {Notice} notice
   */
  constructor(status, offer, notice) {
    this.#status = status;
    this.#offer = offer;
    this.#notice = notice;
  }

  /**
   * @param {Settings} settings
   * @param {() => void} again  what the person's "Try again" does
   * @param {boolean} [ask]  even if it is little
   * @returns {Promise<Engine | null>} null if it did not come to that, and the person was told
   */
  async load(settings, again, ask = false) {
    this.close();
    const turn = this.#turn;
    const isOver = () => turn !== this.#turn; // closed, or started anew
    try {
      if (!ask) this.#status.showLine("Starting");
      const fault = faultIn(settings.choices);
      if (fault) throw new EngineError(fault, "UsageError");
      const found = await survey(settings.model);
      if (isOver()) return null;
      this.manifestUrl = found.url;
      if (!(await this.#agree(settings, found, ask)) || isOver()) return null;
      this.#agreed = true;
      if (found.missing >= SMALL_BYTES) askToKeep();
      const engine = await this.#start(settings, found.missing);
      return isOver() ? null : engine;
    } catch (error) {
      if (isOver()) return null;
      this.close();
      if (error instanceof EngineError && error.kind === "Cancelled") {
        this.#status.showLine(error.message);
        return this.load(settings, again, true);
      }
      this.#status.showLine("");
      this.#notice.show(messageOf(error), again);
      return null;
    }
  }

  /**
   * Refuse what this device cannot run; else wait for the person's yes, where one is asked for.
   *
   * @param {Settings} settings
   * @param {Survey} found
   * @param {boolean} ask  even if it is little
   * @returns {Promise<boolean>} whether to go on
   */
  async #agree({ choices: { context }, autoload }, found, ask) {
    const turn = this.#turn;
    const isLarge = found.missing >= SMALL_BYTES;
    const asks = ask || (isLarge && !this.#agreed && !autoload);
    const check = await checkDevice(found, { context, measured: asks && isLarge });
    if (turn !== this.#turn) return false;
    const can = check.verdict !== "cannot";
    if ((asks || !can) && !ask) this.#status.showLine("");
    if (!can) this.#offer.refuse(found, check);
    else if (asks) await this.#offer.show(found, check);
    return can;
  }

  /**
   * @param {Settings} settings
   * @param {number} missing
   */
  async #start({ model, choices }, missing) {
    const engine = (this.#engine = new Engine());
    const ending = new AbortController();
    this.#status.begin(missing, () => ending.abort());
    await engine.load(model, {
      ...choices,
      signal: ending.signal,
      onProgress: (progress) => this.#status.showProgress(progress),
      onNotice: (message) => this.#notice.tell(message),
    });
    this.#status.showLine("Ready");
    return engine;
  }

  /** End the engine, and loading, if they are under way. */
  close() {
    this.#turn++;
    this.#offer.hide();
    this.#engine?.dispose();
    this.#engine = null;
  }

  /**
   * Delete a model from this browser; end the engine first if it is this one's.
   *
   * @param {string} url  of its manifest
   * @returns {Promise<boolean>} false if some of it is in use and stays
   */
  async remove(url) {
    if (url === this.manifestUrl) this.close();
    for (let tries = 0; tries < RELEASE_TRIES; tries++) {
      if (await forget(url)) return true;
      // a worker that was ended lets go of its files a little later
      await new Promise((resolve) => setTimeout(resolve, RELEASE_PAUSE_MS));
    }
    return false;
  }
}

/** @param {unknown} error */
export function messageOf(error) {
  if (error instanceof EngineError || error instanceof DownloadError || error instanceof PolicyError) return error.message;
  return `Something went wrong: ${error instanceof Error ? error.message : error}. Reload the page.`;
}
