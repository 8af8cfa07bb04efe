/**
 * What this browser keeps of models and of the app itself, and a way to delete it.
 * @import { StoredModel } from "../engine/store/models.js"
 */

import { forgetApp, keptApp } from "../engine/store/app.js";
import { stored } from "../engine/store/models.js";
import { inBytes, partOf } from "../engine/check/amounts.js";
import { element } from "./dom.js";

const NEXT_VISIT = "This page goes on without it; the next visit downloads it again.";
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
    const [{ bytes, models }, app] = await Promise.all([stored(), keptApp()]);
    const all = bytes + app;
    this.#sum.textContent = all ? `This browser keeps ${inBytes(all)} for the next visit.` : "Nothing is kept in this browser.";
    this.#message.textContent = message;
    const items = models.filter((model) => model.bytes).map((model) => this.#item(model));
    if (app) items.push(this.#appItem(app));
    this.#list.replaceChildren(...items);
  }

  /** @param {StoredModel} model */
  #item({ url, name, bytes, total }) {
    const size = bytes < total ? partOf(bytes, total) : inBytes(total);
    return this.#row(name, url, size, async () => ((await this.#remove(url)) ? "" : IN_USE));
  }

  /** @param {number} bytes */
  #appItem(bytes) {
    return this.#row("This app", "the page, the engine and Python", inBytes(bytes), async () => {
      await forgetApp();
      return NEXT_VISIT;
    });
  }

  /**
   * @param {string} name
   * @param {string} title
   * @param {string} size
   * @param {() => Promise<string>} act  deletes it; what to say then
   */
  #row(name, title, size, act) {
    const button = element("button", { type: "button", class: "small", "aria-label": `Delete ${name}` }, "Delete");
    button.addEventListener("click", async () => {
      button.disabled = true;
      await this.#refresh(await act());
      this.#summary.focus(); // the button is gone
    });
    return element("li", {}, element("span", { title }, name), element("span", { class: "quiet" }, size), button);
  }
}
