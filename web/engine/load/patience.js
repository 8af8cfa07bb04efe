/** How much a download puts up with, and what it tells people meanwhile. */

/**
 * How much a network may ask of us.
 *
 * @typedef {object} Patience
 * @property {number} stallMs  a connection that brings nothing for so long is given up
 * @property {number} quietMs  people are told once nothing has come for so long
 * @property {number} pauseMs  before the second try; each further pause is twice as long
 * @property {number} mostPauseMs  no pause is longer
 * @property {number} retries  in a row, none of which got on
 * @property {number} offlineMs  between tries while the browser says that it is offline: it may be wrong
 */

/**
 * Told what a download waits for, and how long in a detail that changes each second; null when it goes on.
 *
 * @typedef {(note: string | null, detail?: string) => void} OnNote
 */

const LARGE_BYTES = 50e6;
const TICK_MS = 1000;
const OFFLINE = "The connection is gone. This goes on when it is back.";

/** For what is small: a server that refuses is given up after 7.5 s of pauses. @type {Patience} */
export const PATIENCE = { stallMs: 20_000, quietMs: 5000, pauseMs: 500, mostPauseMs: 15_000, retries: 4, offlineMs: 3000 };

/**
 * @param {number} bytes  at stake
 * @returns {Patience} five minutes of pauses for what is large
 */
export function patienceFor(bytes) {
  return bytes < LARGE_BYTES ? PATIENCE : { ...PATIENCE, retries: 24 };
}

/** Tells of one download that brings nothing: for how long, or when its server is asked again. */
export class Quiet {
  #quietMs;
  #onNote;
  #since = performance.now();
  /** @type {{ why: string, until: number } | null} */
  #pause = null;
  #offline = false;
  #told = false;
  #timer;

  /**
   * @param {number} quietMs  nothing is told before
   * @param {OnNote} onNote
   */
  constructor(quietMs, onNote) {
    this.#quietMs = quietMs;
    this.#onNote = onNote;
    this.#timer = setInterval(() => this.#tell(), Math.min(TICK_MS, quietMs));
  }

  /** Bytes came. */
  moved() {
    this.#since = performance.now();
    if (this.#told) this.#onNote(null);
    this.#told = false;
  }

  /** The server was asked. */
  asking() {
    this.#pause = null;
    this.#offline = false;
    this.#tell();
  }

  /**
   * The server will be asked again.
   *
   * @param {string} why  not at once: the start of a sentence
   * @param {number} ms  from now
   */
  pausing(why, ms) {
    this.#pause = { why, until: performance.now() + ms };
    this.#tell();
  }

  /** There is no network. */
  offline() {
    this.#offline = true;
    this.#tell();
  }

  end() {
    clearInterval(this.#timer);
  }

  #tell() {
    const now = performance.now();
    if (!this.#offline && !this.#told && now - this.#since < this.#quietMs) return;
    this.#told = true;
    if (this.#offline) return this.#onNote(OFFLINE);
    if (this.#pause) return this.#onNote(`${this.#pause.why}. Trying again`, `in ${inSeconds(this.#pause.until - now)}`);
    this.#onNote("Waiting for the server", `no bytes for ${inSeconds(now - this.#since)}`);
  }
}

/** What several downloads wait for: nothing, while any of them goes on. */
export class Waits {
  #onNote;
  /** @type {Map<object, [note: string, detail?: string] | null>} */
  #open = new Map();
  #told = false;

  /** @param {OnNote} onNote */
  constructor(onNote) {
    this.#onNote = onNote;
  }

  /** One more download. */
  open() {
    const key = {};
    this.#open.set(key, null);
    /** @type {OnNote} */
    const tell = (note, detail) => {
      if (!this.#open.get(key)) this.#open.delete(key); // the one that went on for longest comes last
      this.#open.set(key, note === null ? null : [note, detail]);
      this.#tell();
    };
    const end = () => {
      this.#open.delete(key);
      this.#tell();
    };
    return { tell, end };
  }

  #tell() {
    const notes = [...this.#open.values()];
    const note = notes.every(Boolean) ? notes.at(-1) : null;
    if (note) this.#onNote(...note);
    else if (this.#told) this.#onNote(null);
    this.#told = Boolean(note);
  }
}

/** @param {number} ms */
function inSeconds(ms) {
  return `${Math.max(0, Math.round(ms / 1000))}\u00a0s`;
}
