/** The conversation: one list item a message, thoughts folded away above the words they led to. */

import { element } from "./dom.js";

const NEAR_END_PX = 48;

export class MessageList {
  #list = element("ol", { role: "list" });
  #hint = element("p", { class: "hint" }, "Ask something. Everything stays on this machine.");
  element = element("div", { class: "log", role: "log", "aria-live": "polite", "aria-label": "Conversation", tabindex: "0" }, this.#hint, this.#list);

  #atEnd = true;

  constructor() {
    const log = this.element;
    log.addEventListener("scroll", () => {
      this.#atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_END_PX;
    });
    new ResizeObserver(() => this.#follow()).observe(log); // a notice or a long message takes room from it
  }

  /** @param {string} text */
  addQuestion(text) {
    const item = element("li", { class: "question", "aria-label": "You" }, element("div", { class: "text" }, text));
    this.#add(item);
    return item;
  }

  /** @returns {ReplyItem} */
  addReply() {
    const reply = new ReplyItem(() => this.#follow());
    this.#add(reply.element);
    return reply;
  }

  clear() {
    this.#list.replaceChildren();
    this.#hint.hidden = false;
  }

  /** @param {HTMLLIElement} item */
  #add(item) {
    this.#hint.hidden = true;
    this.#list.append(item);
    this.#atEnd = true;
    this.#follow();
  }

  /** Keep the newest words in view, unless the reader has scrolled up. */
  #follow() {
    if (this.#atEnd) this.element.scrollTop = this.element.scrollHeight;
  }
}

export class ReplyItem {
  #thoughts = new Text();
  #summary = element("summary", {}, "Thinking…");
  #details = element("details", { hidden: true }, this.#summary, element("div", { class: "text" }, this.#thoughts));
  #text = new Text();
  #onGrow;
  element = element("li", { class: "reply busy", "aria-label": "Gemma" }, this.#details, element("div", { class: "text" }, this.#text));

  /** @param {() => void} onGrow */
  constructor(onGrow) {
    this.#onGrow = onGrow;
  }

  /** @param {string} text */
  think(text) {
    this.#details.hidden = false;
    this.#grow(this.#thoughts, text);
  }

  /** @param {string} text */
  say(text) {
    this.#summary.textContent = "Thoughts";
    this.#grow(this.#text, text);
  }

  /** The reply is whole, or ends here. */
  end() {
    this.#summary.textContent = "Thoughts";
    this.element.classList.remove("busy");
  }

  /**
   * @param {Text} node
   * @param {string} text
   */
  #grow(node, text) {
    node.appendData(text);
    this.#onGrow();
  }
}
