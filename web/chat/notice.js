/** What went wrong and what to do, with a way to try again; or what one should know. */

import { element } from "./dom.js";

export class Notice {
  element = element("div", { class: "notice", role: "alert", hidden: true });

  /**
   * @param {string} message
   * @param {() => void} again
   */
  show(message, again) {
    this.#fill(message, "Try again", again);
  }

  /**
   * Something that does not stop anything.
   *
   * @param {string} message
   */
  tell(message) {
    this.#fill(message, "OK", () => {});
    this.element.classList.add("calm");
  }

  hide() {
    this.element.hidden = true;
    this.element.replaceChildren();
  }

  /**
   * @param {string} message
   * @param {string} label
   * @param {() => void} act
   */
  #fill(message, label, act) {
    const button = element("button", { type: "button" }, label);
    button.addEventListener("click", () => {
      this.hide();
      act();
    });
    this.element.classList.remove("calm");
    this.element.hidden = false;
    this.element.replaceChildren(element("p", {}, message), button);
  }
}
