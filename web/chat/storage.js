/**
 * What this browser keeps of models, and a way to delete it.
 * @import { StoredModel } from "../engine/store/models.js"
 */

import { stored } from "../engine/store/models.js";
import { inBytes, partOf } from "../engine/check/amounts.js";
import { element } from "./dom.js";

const IN_USE = "Some of it is in use. Close other tabs that use it and delete it again.";

export class Storage {
  #remove;
  #sum = element("p", {});
  #list = element("ul", { role: "list" });
  #summary = element("summary", {}, "Storage");
  #message = element("p", { class: "quiet" });
  element = element(
    "details",
    { class: "storage" },
    this.#summary,
    element("div", { class: "panel" }, this.#sum, this.#list, this.#message),
  );

  /** @param {(url: string) => Promise<boolean>} remove  deletes a model; false if some of it stays */
  constructor(remove) {
    this.#remove = remove;
    this.element.addEventListener("toggle", () => this.element.open && this.#refresh());
    this.element.addEventListener("keydown", (event) => event.key === "Escape" && this.#close());
    this.element.addEventListener("focusout", ({ relatedTarget: next }) => {
      if (next instanceof Node && !this.element.contains(next)) this.element.open = false;
    });
  }

  #close() {
    this.element.open = false;
    this.#summary.focus();
  }

  async #refresh(message = "") {
    const { bytes, models } = await stored();
    this.#sum.textContent = bytes ? `This browser keeps ${inBytes(bytes)} for the next visit.` : "Nothing is kept in this browser.";
    this.#message.textContent = message;
    this.#list.replaceChildren(...models.filter((model) => model.bytes).map((model) => this.#item(model)));
  }

  /** @param {StoredModel} model */
  #item({ url, name, bytes, total }) {
    const button = element("button", { type: "button", class: "small", "aria-label": `Delete ${name}` }, "Delete");
    button.addEventListener("click", async () => {
      button.disabled = true;
      const all = await this.#remove(url);
      await this.#refresh(all ? "" : IN_USE);
      this.#summary.focus(); // the button is gone
    });
    const size = bytes < total ? partOf(bytes, total) : inBytes(total);
    return element("li", {}, element("span", { title: url }, name), element("span", { class: "quiet" }, size), button);
  }
}
