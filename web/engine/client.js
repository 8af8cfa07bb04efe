/**
 * The page's end of the engine: starts the worker, asks, and yields what comes back. Knows no DOM.
 * @import { Answer, ChatMessage, ContinueTiming, Progress, Ready, ReplyEvent, Request, Sampling } from "./protocol.js"
 */

import { chosen, faultIn } from "./load-choices.js";
import { Mailbox } from "./mailbox.js";
import { Violations } from "./policy.js";
import { startWorker } from "./start-worker.js";

/** An error of the engine's, with a message fit to show a person. */
export class EngineError extends Error {
  /**
   * @param {string} message
   * @param {string} kind  the class of error, such as `NoWebGPU`
   */
  constructor(message, kind = "EngineError") {
    super(message);
    this.name = "EngineError";
    this.kind = kind;
  }
}

/**
 * @typedef {object} ReplyOptions
 * @property {boolean} [thinking]  let the model think before it answers
 * @property {Sampling} [sampling]
 * @property {number | null} [maxTokens]
 * @property {unknown[] | null} [tools]
 * @property {AbortSignal} [signal]  ends the reply early; its `done` still arrives
 */

/**
 * @typedef {object} LoadEvents
 * @property {AbortSignal} [signal]  ends loading; what has arrived is kept
 * @property {(progress: Progress) => void} [onProgress]
 * @property {(message: string) => void} [onNotice]  told what a person should know though loading goes on
 *
 * @typedef {LoadEvents & Partial<import("./load-choices.js").Choices>} LoadOptions
 */

/** One worker with one model in it. */
export class Engine {
  /** @type {Worker | null} */
  #worker = null;
  /** @type {ReturnType<typeof setTimeout>} */
  #silent;
  #lastId = 0;
  /** @type {Map<number, Mailbox<Answer>>} */
  #replies = new Map();
  /** @type {Mailbox<Answer>} */
  #loading = new Mailbox();
  /** @type {EngineError | null} */
  #failure = null;

  /** @param {{ workerUrl?: string | URL, silentMs?: number }} [options]  silentMs: of a worker, before its files are looked at */
  constructor({ workerUrl = new URL("./worker.js", import.meta.url), silentMs = 5000 } = {}) {
    const url = new URL(workerUrl, import.meta.url).href;
    const violations = new Violations();
    // Firefox does not tell of a worker of which a module is missing
    this.#silent = setTimeout(() => this.#lookForBroken(), silentMs);
    try {
      this.#worker = startWorker(url);
      this.#worker.onmessage = ({ data }) => {
        violations.end();
        clearTimeout(this.#silent);
        this.#receive(data);
      };
      this.#worker.onerror = (event) => {
        event.preventDefault?.();
        this.#explain(event.message, violations, url);
      };
    } catch (error) {
      this.#explain(/** @type {Error} */ (error).message, violations, url);
    }
  }

  /** Whether the engine failed as a whole, so that only a new one helps. */
  get failed() {
    return this.#failure !== null;
  }

  /**
   * Load a model. Resolves when the engine can reply. A choice that is wrong is refused with its name and value.
   *
   * @param {string | URL} modelUrl  of the folder that holds manifest.json
   * @param {LoadOptions} [options]
   * @returns {Promise<Ready>}
   */
  async load(modelUrl, { signal, onProgress = () => {}, onNotice = () => {}, ...choices } = {}) {
    const fault = faultIn(choices);
    if (fault) throw new EngineError(fault, "UsageError");
    const cancel = () => this.#post({ type: "cancel" });
    this.#post({ type: "load", model: new URL(modelUrl, globalThis.document?.baseURI).href, ...chosen(choices) });
    if (signal?.aborted) cancel();
    signal?.addEventListener("abort", cancel);
    try {
      for (;;) {
        const answer = await this.#loading.take();
        if (answer.type === "progress") onProgress(answer);
        if (answer.type === "notice") onNotice(answer.message);
        if (answer.type === "ready") return answer;
      }
    } finally {
      signal?.removeEventListener("abort", cancel);
    }
  }

  /**
   * The reply to a conversation, as it grows; the last event is `done`. Leaving the loop stops the engine.
   *
   * @param {ChatMessage[]} messages  the conversation so far, oldest first
   * @param {ReplyOptions} [options]
   * @returns {AsyncGenerator<ReplyEvent, void>}
   */
  async *reply(messages, options = {}) {
    const { thinking = false, sampling = {}, maxTokens = null, tools = null, signal } = options;
    if (this.#failure) throw this.#failure;
    const id = ++this.#lastId;
    const mailbox = /** @type {Mailbox<Answer>} */ (new Mailbox());
    const stop = () => this.#post({ type: "stop", id });
    this.#post(plain({ type: "reply", id, messages, tools, thinking, sampling, maxTokens }));
    this.#replies.set(id, mailbox);
    if (signal?.aborted) stop();
    signal?.addEventListener("abort", stop);
    let over = false;
    try {
      while (!over) {
        const answer = await mailbox.take();
        over = answer.type === "done";
        const event = toEvent(answer);
        if (event) yield event;
      }
    } catch (error) {
      over = true;
      throw error;
    } finally {
      signal?.removeEventListener("abort", stop);
      this.#replies.delete(id);
      if (!over) stop();
    }
  }

  /**
   * A greedy continuation of raw ids that no stop id ends, for measuring.
   *
   * @param {number[]} ids  at least one
   * @param {number} maxTokens
   * @param {{ fresh?: boolean }} [options]  fresh: compute all of `ids`, what the cache holds of them too
   * @returns {Promise<{ ids: number[], timing: ContinueTiming }>} timing in seconds
   */
  async continueIds(ids, maxTokens, { fresh = false } = {}) {
    if (this.#failure) throw this.#failure;
    const id = ++this.#lastId;
    const mailbox = /** @type {Mailbox<Answer>} */ (new Mailbox());
    this.#post(plain({ type: "continue", id, ids, maxTokens, fresh }));
    this.#replies.set(id, mailbox);
    try {
      const answer = await mailbox.take();
      if (answer.type !== "continued") throw new EngineError(`The engine answered ${answer.type}. Reload the page.`);
      return { ids: answer.ids, timing: answer.timing };
    } finally {
      this.#replies.delete(id);
    }
  }

  /** End the worker and everything it holds on the GPU. */
  dispose() {
    clearTimeout(this.#silent);
    this.#worker?.terminate();
    this.#fail(new EngineError("The engine was closed.", "Closed"));
  }

  /** @param {Request} request */
  #post(request) {
    this.#worker?.postMessage(request);
  }

  /** @param {Answer} answer */
  #receive(answer) {
    if (answer.type === "progress" || answer.type === "notice" || answer.type === "ready") return this.#loading.put(answer);
    if (answer.type !== "error") return this.#replies.get(answer.id)?.put(answer);
    const error = new EngineError(answer.message, answer.kind);
    if (answer.id === null) this.#fail(error);
    else this.#replies.get(answer.id)?.fail(error);
  }

  /**
   * The worker did not start: find out why.
   *
   * @param {string | undefined} detail
   * @param {Violations} violations
   * @param {string} url
   */
  async #explain(detail, violations, url) {
    clearTimeout(this.#silent);
    const why = await import("./no-start.js").catch(() => null);
    const forbidden = (await why?.whyForbidden(violations, url)) ?? null;
    violations.end();
    if (forbidden) return this.#fail(new EngineError(forbidden, "PolicyError"));
    const broken = await why?.whyBroken().catch(() => null);
    const message = broken ?? `The engine could not start${detail ? ` (${detail})` : ""}. Reload the page.`;
    this.#fail(new EngineError(message, "WorkerError"));
  }

  async #lookForBroken() {
    const why = await import("./no-start.js").catch(() => null);
    const broken = await why?.whyBroken().catch(() => null);
    if (broken) this.#fail(new EngineError(broken, "WorkerError"));
  }

  /** @param {EngineError} error */
  #fail(error) {
    this.#failure ??= error;
    this.#loading.fail(error);
    for (const mailbox of this.#replies.values()) mailbox.fail(error);
  }
}

/**
 * @param {Answer} answer
 * @returns {ReplyEvent | null}
 */
function toEvent(answer) {
  if (answer.type === "piece") return { kind: answer.kind, text: answer.text };
  if (answer.type === "call") return { kind: "call", call: answer.call };
  if (answer.type !== "done") return null;
  const { message, ids, stopReason, usage, timing } = answer;
  return { kind: "done", message, ids, stopReason, usage, timing };
}

/**
 * A request as JSON will have it. What JSON has no word for would come as something else, or not at all.
 *
 * @template {Request} R
 * @param {R} request
 * @returns {R}
 */
function plain(request) {
  const check = (/** @type {string} */ name, /** @type {unknown} */ value) => {
    const isOdd = ["bigint", "function", "symbol"].includes(typeof value) || (typeof value === "number" && !Number.isFinite(value));
    if (isOdd) throw new TypeError(`${name} is ${String(value)}, for which JSON has no word`);
    return value;
  };
  try {
    return JSON.parse(JSON.stringify(request, check));
  } catch (error) {
    throw new EngineError(`The request cannot be sent: ${/** @type {Error} */ (error).message}. Give it plain data.`, "UsageError");
  }
}
