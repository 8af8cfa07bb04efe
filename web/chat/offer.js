/**
 * What would be downloaded, whether this device is up to it, and a button that starts it.
 * @import { Check } from "../engine/check/check.js"
 * @import { Survey } from "../engine/check/survey.js"
 * @import { App } from "../engine/store/app.js"
 * @import { Needs } from "../engine/store/models.js"
 */

import { inBytes } from "../engine/check/amounts.js";
import { deviceDetails } from "./device-details.js";
import { element } from "./dom.js";

const MOST_REASONS = 2; // the details tell the rest
const LEADS = /** @type {const} */ ({
  good: "This device can run it.",
  slow: "This device can run it, but slowly.",
  tight: "This device may not have enough room for it.",
  cannot: "This device cannot run it.",
});

export class Offer {
  element = element("section", { class: "offer", "aria-label": "Download", hidden: true });

  /**
   * @param {Survey} survey
   * @param {Check} check
   * @returns {Promise<void>} resolves when the person says yes
   */
  show({ model, bytes, missing, app, room, needs }, check) {
    const all = missing + app.missing;
    const fits = room === null || room >= all;
    const label = all ? `Download ${inBytes(all)} ${fits ? "and start" : "all the same"}` : "Start";
    const button = element("button", { type: "button", class: fits ? "primary" : "secondary" }, label);
    this.#fill(
      element("h2", {}, model),
      element("p", {}, `The model runs on this machine. ${sizes(bytes, missing, app)}${beginning(bytes, missing, app, needs)}`),
      verdict(check),
      button,
      element("p", { class: "quiet" }, keeping(all, room)),
      deviceDetails(check),
    );
    return new Promise((resolve) => {
      button.addEventListener("click", () => {
        this.hide();
        resolve();
      });
    });
  }

  /**
   * Say what is short in place of an offer.
   *
   * @param {Survey} survey
   * @param {Check} check
   */
  refuse({ model }, check) {
    this.#fill(element("h2", {}, model), verdict(check), deviceDetails(check));
  }

  hide() {
    this.element.hidden = true;
    this.element.replaceChildren();
  }

  /** @param {...Node} children */
  #fill(...children) {
    this.element.replaceChildren(...children);
    this.element.hidden = false;
  }
}

/** @param {Check} check */
function verdict({ verdict: kind, reasons, memory }) {
  const isUnknown = kind === "good" && memory.needed === null;
  const told = kind === "cannot" ? reasons : reasons.slice(0, MOST_REASONS);
  return element("p", { class: `verdict ${kind}` }, element("strong", {}, isUnknown ? "This device has WebGPU." : LEADS[kind]), ` ${told.join(" ")}`);
}

/**
 * What is downloaded, and how much of it is here.
 *
 * @param {number} bytes
 * @param {number} missing
 * @param {App} app
 */
function sizes(bytes, missing, app) {
  const here = bytes - missing;
  const weights = `Its weights are ${inBytes(bytes)}${here && missing ? `, of which ${inBytes(here)} are here already` : ""}`;
  return app.missing ? `${weights}; this app and its Python are ${inBytes(app.missing)}.` : `${weights}.`;
}

/**
 * When a chat can begin, where that is before all has come.
 *
 * @param {number} bytes
 * @param {number} missing
 * @param {App} app
 * @param {Needs | null} needs
 */
function beginning(bytes, missing, app, needs) {
  if (!needs || needs.start === 1 || missing < bytes) return "";
  return ` A chat can begin after the first ${inBytes(needs.start * bytes + app.missing)}.`;
}

/**
 * @param {number} missing  the app's own files as well
 * @param {number | null} room
 */
function keeping(missing, room) {
  if (!missing) return "All of it is kept in this browser.";
  if (room === 0) return ""; // no room can be made
  if (room !== null && room < missing) return "To keep it, free some space on the disk, or delete models that you no longer use, under Storage.";
  return "It is kept in this browser for the next visit, until you delete it under Storage.";
}
