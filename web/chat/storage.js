/**
 * What this browser keeps of models, and a way to delete it.
 * @import { StoredModel } from "../engine/models.js"
 */

import { stored } from "../engine/models.js";
import { inBytes, partOf } from "./amounts.js";
import { element } from "./dom.js";

const IN_USE = "Some of it is in use. Close other tabs that use it and delete it again.";

export class Storage {
  #remove;
  #sum = element("p", {});
  #list = element("ul", { role: "list" });
  #message = element("p", { class: "quiet" });
  element = element(
    "details",
    { class: "storage" },
    element("summary", {}, "Storage"),
    element("div", { class: "panel" }, this.#sum, this.#list, this.#message),
  );

  /** @param {(url: string) => Promise<boolean>} remove  deletes a model; false if some of it stays */
  constructor(remove) {
    this.#remove = remove;
    this.element.addEventListener("toggle", () => this.element.open && this.#refresh());
    this.element.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.element.open) return;
      this.element.open = false;
      this.element.querySelector("summary")?.focus();
    });
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
    });
    const size = bytes < total ? partOf(bytes, total) : inBytes(total);
    return element("li", {}, element("span", { title: url }, name), element("span", { class: "quiet" }, size), button);
  }
}
