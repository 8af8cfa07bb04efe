/**
 * <gemtab-chat>: a conversation with a model in this tab.
 *
 *   model     URL of the model's folder; `model/` beside the app if left out
 *   context, kv, chunk, ple, memory   as of Engine.load (load-choices.js), properties too; the engine's own choice if left out
 *   thinking  present: "Think first" is ticked to begin with
 *   autoload  present: downloads without asking, however much it is
 *
 * @import { Engine } from "../engine/client.js"
 * @import { ChatMessage, DoneEvent } from "../engine/protocol.js"
 */

import { styles } from "./chat.css.js";
import { Composer } from "./composer.js";
import { Loader, messageOf } from "./loader.js";
import { CHOICES, written } from "../engine/load-choices.js";
import { MessageList } from "./message-list.js";
import { Notice } from "./notice.js";
import { Offer } from "./offer.js";
import { Status } from "./status.js";
import { Storage } from "./storage.js";

const MODEL = new URL("../model/", import.meta.url).href;

/** @type {Partial<Record<DoneEvent["stopReason"], string>>} */
const ENDINGS = {
  stopped: "Stopped.",
  length: "The reply reached its longest length.",
  context: "This conversation has filled the context. Start a new chat.",
};

export class GemtabChat extends HTMLElement {
  #list = new MessageList();
  #status = new Status();
  #notice = new Notice();
  #offer = new Offer();
  #loader = new Loader(this.#status, this.#offer, this.#notice);
  #storage = new Storage((url) => this.#remove(url));
  #composer = new Composer({
    send: (text) => this.#ask(text),
    stop: () => this.#reply?.abort(),
    newChat: () => this.#newChat(),
  });
  /** @type {ChatMessage[]} */
  #messages = [];
  /** @type {Engine | null} */
  #engine = null;
  /** @type {AbortController | null} */
  #reply = null;

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [styles()];
    this.#status.element.append(this.#storage.element);
    this.#list.element.append(this.#offer.element);
    root.append(this.#status.element, this.#list.element, this.#notice.element, this.#composer.element);
  }

  connectedCallback() {
    for (const name of CHOICES) takeEarly(this, name);
    this.#composer.thinking = this.hasAttribute("thinking");
    this.#load();
  }

  disconnectedCallback() {
    this.#reply?.abort();
    this.#loader.close();
    this.#engine = null;
  }

  /** @param {boolean} [ask]  before anything is downloaded, even if it is little */
  async #load(ask = false) {
    this.#engine = null;
    this.#composer.show("waiting");
    const engine = await this.#loader.load(this.#settings(), () => this.#load(), ask);
    if (!engine) return;
    this.#engine = engine;
    this.#composer.show("ready");
  }

  /**
   * Delete a model from this browser.
   *
   * @param {string} url  of its manifest
   */
  async #remove(url) {
    const isOurs = url === this.#loader.manifestUrl;
    if (isOurs) this.#leaveReply();
    const all = await this.#loader.remove(url);
    if (isOurs) this.#load(true);
    return all;
  }

  #settings() {
    const model = new URL(this.getAttribute("model") ?? MODEL, document.baseURI).href;
    return { model, choices: written((name) => this.getAttribute(name)), autoload: this.hasAttribute("autoload") };
  }

  /** @param {string} text */
  #ask(text) {
    this.#messages.push({ role: "user", content: text });
    this.#list.addQuestion(text);
    this.#answer();
  }

  /** Reply to the conversation as it stands. */
  async #answer() {
    const engine = /** @type {Engine} */ (this.#engine);
    const controller = (this.#reply = new AbortController());
    const item = this.#list.addReply();
    this.#notice.hide();
    this.#composer.show("replying");
    this.#status.showLine("Replying");
    try {
      const options = { thinking: this.#composer.thinking, signal: controller.signal };
      for await (const event of engine.reply(this.#messages, options)) {
        if (this.#reply !== controller) return; // a new chat has begun
        if (event.kind === "thinking") item.think(event.text);
        if (event.kind === "text") item.say(event.text);
        if (event.kind === "done") this.#finish(event);
      }
    } catch (error) {
      item.element.remove();
      if (this.#reply !== controller || engine !== this.#engine) return;
      this.#status.showLine("");
      this.#notice.show(messageOf(error), () => this.#retry(engine));
    } finally {
      item.end();
      if (this.#reply === controller) {
        this.#reply = null;
        if (engine === this.#engine) this.#composer.show("ready");
      }
    }
  }

  /** @param {DoneEvent} event */
  #finish({ message, stopReason, timing }) {
    this.#messages.push(message);
    const speed = timing.tokens_per_second ? `${timing.tokens_per_second.toFixed(1)} tokens per second.` : "";
    this.#status.showLine([ENDINGS[stopReason], speed].filter(Boolean).join(" ") || "Ready");
  }

  /**
   * Ask again; an engine that has failed as a whole is started anew first.
   *
   * @param {Engine} engine
   */
  async #retry(engine) {
    if (engine.failed) await this.#load();
    if (this.#engine && !this.#engine.failed) this.#answer();
  }

  #newChat() {
    const replying = this.#reply !== null;
    this.#leaveReply();
    this.#messages = [];
    this.#list.clear();
    if (replying) this.#composer.show("ready");
    if (this.#engine && !this.#engine.failed) this.#notice.hide();
    this.#composer.focus();
  }

  /** What still comes of the reply under way is for nobody. */
  #leaveReply() {
    this.#reply?.abort();
    this.#reply = null;
  }
}

for (const name of CHOICES) {
  Object.defineProperty(GemtabChat.prototype, name, {
    /** @this {GemtabChat} */
    get() {
      return written((each) => this.getAttribute(each))[name];
    },
    /**
     * @this {GemtabChat}
     * @param {unknown} value  null for the engine's own choice
     */
    set(value) {
      if (value === null || value === undefined) this.removeAttribute(name);
      else this.setAttribute(name, String(value));
    },
  });
}

/**
 * A property that was set before the class was known hides the class's: set it again.
 *
 * @param {HTMLElement} element
 * @param {string} name
 */
function takeEarly(element, name) {
  if (!Object.hasOwn(element, name)) return;
  const own = /** @type {Record<string, unknown>} */ (/** @type {unknown} */ (element));
  const value = own[name];
  delete own[name];
  own[name] = value;
}
