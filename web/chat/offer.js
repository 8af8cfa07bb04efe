/**
 * What would be downloaded and how much, and a button that starts it.
 * @import { Survey } from "../engine/survey.js"
 */

import { inBytes } from "../engine/amounts.js";
import { element } from "./dom.js";

export class Offer {
  element = element("section", { class: "offer", "aria-label": "Download", hidden: true });

  /**
   * @param {Survey} survey
   * @returns {Promise<void>} resolves when the person says yes
   */
  show({ model, bytes, missing, room }) {
    const here = bytes - missing;
    const button = element("button", { type: "button", class: "primary" }, missing ? `Download ${inBytes(missing)} and start` : "Start");
    this.element.replaceChildren(
      element("h2", {}, model),
      element("p", {}, `The model runs on this machine. Its weights are ${inBytes(bytes)}${here && missing ? `, of which ${inBytes(here)} are here already` : ""}.`),
      button,
      element("p", { class: "quiet" }, keeping(missing, room)),
    );
    this.element.hidden = false;
    return new Promise((resolve) => {
      button.addEventListener("click", () => {
        this.hide();
        resolve();
      });
    });
  }

  hide() {
    this.element.hidden = true;
    this.element.replaceChildren();
  }
}

/**
 * @param {number} missing
 * @param {number | null} room
 */
function keeping(missing, room) {
  if (!missing) return "All of it is kept in this browser.";
  if (room === 0) return "This browser keeps nothing of it (is this a private window?), so the next visit downloads it again.";
  if (room !== null && room < missing) return `This browser has room for only ${inBytes(room)} of it: what does not fit is downloaded again next time.`;
  return "It is kept in this browser for the next visit, until you delete it under Storage.";
}
