/** What went wrong and what to do, with a way to try again. */

import { element } from "./dom.js";

export class Notice {
  element = element("div", { class: "notice", role: "alert", hidden: true });

  /**
   * @param {string} message
   * @param {(() => void) | null} [again]
   */
  show(message, again = null) {
    this.element.hidden = false;
    this.element.replaceChildren(element("p", {}, message));
    if (!again) return;
    const button = element("button", { type: "button" }, "Try again");
    button.addEventListener("click", () => {
      this.hide();
      again();
    });
    this.element.append(button);
  }

  hide() {
    this.element.hidden = true;
    this.element.replaceChildren();
  }
}
