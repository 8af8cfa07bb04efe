/** Where a person writes: Enter sends, Shift+Enter starts a new line. */

import { element } from "./dom.js";

/**
 * @typedef {object} Actions
 * @property {(text: string) => void} send
 * @property {() => void} stop
 * @property {() => void} newChat
 */

export class Composer {
  #actions;
  #input = element("textarea", { id: "message", rows: "1", placeholder: "Write a message", enterkeyhint: "send", autocomplete: "off" });
  #think = element("input", { type: "checkbox", id: "think" });
  #send = element("button", { type: "submit", class: "primary" }, "Send");
  #stop = element("button", { type: "button", hidden: true }, "Stop");
  #newChat = element("button", { type: "button" }, "New chat");
  #ready = false;
  element = element(
    "form",
    { class: "composer" },
    element("label", { for: "message", class: "unseen" }, "Message"),
    element(
      "div",
      { class: "box" },
      this.#input,
      element(
        "div",
        { class: "actions" },
        this.#newChat,
        element("label", { class: "think" }, this.#think, "Think first"),
        this.#stop,
        this.#send,
      ),
    ),
  );

  /** @param {Actions} actions */
  constructor(actions) {
    this.#actions = actions;
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#input.addEventListener("keydown", (event) => {
      // While an input method composes, Enter chooses a word.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#submit();
    });
    this.#input.addEventListener("input", () => this.#refresh());
    this.#stop.addEventListener("click", () => this.#actions.stop());
    this.#newChat.addEventListener("click", () => this.#actions.newChat());
    this.#refresh();
  }

  /** @returns {boolean} */
  get thinking() {
    return this.#think.checked;
  }

  set thinking(thinking) {
    this.#think.checked = thinking;
  }

  /** @param {"waiting" | "ready" | "replying"} state */
  show(state) {
    this.#ready = state === "ready";
    this.#stop.hidden = state !== "replying";
    this.#send.hidden = state === "replying";
    this.#refresh();
  }

  focus() {
    this.#input.focus();
  }

  #submit() {
    const text = this.#input.value.trim();
    if (!text || !this.#ready) return;
    this.#input.value = "";
    this.#refresh();
    this.#actions.send(text);
  }

  #refresh() {
    this.#send.disabled = !this.#ready || !this.#input.value.trim();
  }
}
