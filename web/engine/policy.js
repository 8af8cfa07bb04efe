/**
 * What the Content-Security-Policy of the page around us forbids, told by directive and by what to add to it. A browser
 * tells a script no more than "failed"; the reason comes beside it, as an event.
 */

import { PolicyError } from "./errors.js";
import { within } from "./load/waiting.js";

const EVENT_MS = 200; // the event may come a little after the failure
const EMPTY_WASM = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0);

/** @typedef {Pick<SecurityPolicyViolationEvent, "effectiveDirective" | "blockedURI" | "originalPolicy">} Violation */

/** Listens from when it is made until `end`. */
export class Violations {
  #target = globalThis.document ?? globalThis;
  #end = new AbortController();
  /** @type {Violation[]} */
  #heard = [];
  #wake = () => {};

  constructor() {
    const hear = (/** @type {any} */ event) => {
      if (event.disposition === "enforce") this.#heard.push(event);
      this.#wake();
    };
    this.#target.addEventListener("securitypolicyviolation", hear, { signal: this.#end.signal });
  }

  /**
   * @param {(violation: Violation) => boolean} isIt
   * @returns {Promise<Violation | undefined>} the one that is meant, if it comes
   */
  async find(isIt) {
    const coming = new Promise((resolve) => {
      this.#wake = () => this.#heard.some(isIt) && resolve(null);
      this.#wake();
    });
    await within(EVENT_MS, coming).catch(() => {});
    return this.#heard.find(isIt);
  }

  end() {
    this.#end.abort();
  }
}

/**
 * `fetch`, whose failure is a PolicyError where the page's policy is the reason.
 *
 * @param {string} url  absolute
 * @param {RequestInit} [init]
 * @returns {Promise<Response>}
 */
export async function allowedFetch(url, init) {
  const violations = new Violations();
  try {
    return await fetch(url, init);
  } catch (error) {
    if (init?.signal?.aborted) throw error;
    const { origin } = new URL(url);
    const found = await violations.find((one) => one.effectiveDirective === "connect-src" && isOf(one.blockedURI, origin));
    if (!found) throw error;
    if (allows(found, "connect-src", origin)) {
      throw new PolicyError(`${url} leads to another host, which this page's Content-Security-Policy forbids. Add that host to its connect-src.`);
    }
    throw new PolicyError(`This page's Content-Security-Policy forbids to fetch ${url}. Add ${origin} to its connect-src.`);
  } finally {
    violations.end();
  }
}

/** Throws a PolicyError where WebAssembly may not be compiled. */
export function checkWasm() {
  if (!globalThis.WebAssembly) throw new PolicyError("This browser has WebAssembly turned off. Turn it on, or use another browser.");
  try {
    new WebAssembly.Module(EMPTY_WASM);
  } catch {
    throw new PolicyError(`This page's Content-Security-Policy forbids WebAssembly. Add 'wasm-unsafe-eval' to its script-src.`);
  }
}

/**
 * @param {string} blocked  what an event names: an address, an origin
 * @param {string} origin
 */
function isOf(blocked, origin) {
  return URL.canParse(blocked) && new URL(blocked).origin === origin;
}

/**
 * @param {Violation} violation
 * @param {string} directive
 * @param {string} origin
 */
function allows({ originalPolicy }, directive, origin) {
  const named = originalPolicy.split(";").find((part) => part.trim().startsWith(`${directive} `)) ?? "";
  return named.includes(origin) || (named.includes("'self'") && origin === location.origin);
}
