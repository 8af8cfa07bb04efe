/**
 * What the worker's JavaScript does for Python: posts its messages, moves bytes to the GPU past the Python
 * heap, and runs its programs.
 * @import { Answer } from "./protocol.js"
 */

import { Kernels } from "./gpu/kernels.js";
import { Artifact } from "./load/artifact.js";
import { keepNote, recallNote } from "./store/notes.js";
import { Table } from "./load/table.js";

/** @typedef {import("./gpu/replay.js").Gpu} Gpu */
/** @typedef {[buffer: string, bufferOffset: number, sourceOffset: number, bytes: number]} Target */

export class Host {
  #gpu;
  #post;
  #artifact;
  /** @type {Table | null} */
  #table = null;
  /** @type {Promise<Kernels> | null} */
  #kernels = null;

  /**
   * Starts fetching at once, so that the weights arrive while Python boots.
   *
   * @param {Gpu} gpu
   * @param {string} modelUrl  of the folder that holds manifest.json
   * @param {(answer: Answer) => void} post
   * @param {AbortSignal} [signal]  ends loading
   */
  constructor(gpu, modelUrl, post, signal) {
    this.#gpu = gpu;
    this.#post = post;
    this.#artifact = new Artifact(modelUrl, post, signal);
  }

  /** @param {string} json  a message for the page */
  post(json) {
    /** @type {Answer} */
    const answer = JSON.parse(json);
    this.#post(answer);
    if (answer.type === "ready") this.#artifact.settle(this.#table?.sources());
  }

  /** Rejects with the first failure of a download, whoever waits for it; never resolves. */
  get broken() {
    return this.#artifact.broken;
  }

  /** @returns {Promise<string>} the text of manifest.json */
  manifest() {
    return this.#artifact.text();
  }

  /**
   * Begin to compile what the last visit took; on the first one, what such a device will take of plain kernels.
   * Resolves when that is under way.
   */
  async compileAhead() {
    const kernels = await this.#opened();
    const last = await recallNote(kernels.note);
    /** @type {string[]} */
    const names = last ? JSON.parse(last) : kernels.plainAndFirst(this.#gpu.features());
    this.#gpu.compileAhead(kernels.pick(names));
  }

  /** @returns {Promise<string>} JSON {name: {features, trial}} of every kernel */
  async kernels() {
    return (await this.#opened()).outline();
  }

  #opened() {
    this.#kernels ??= this.#artifact.kernels().then(({ bytes, sha256 }) => new Kernels(bytes, sha256));
    return this.#kernels;
  }

  /** @param {string} namesJson  of the kernels that a chat began with, for the next visit */
  async noteKernels(namesJson) {
    await keepNote((await this.#opened()).note, namesJson);
  }

  /**
   * A small file of the artifact, proven.
   *
   * @param {string} url  relative to the manifest, as its `files` have it
   * @returns {Promise<Uint8Array>}
   */
  fetchFile(url) {
    return this.#artifact.file(url);
  }

  /**
   * Write parts of a source into GPU buffers, then let go of it. Ask for all parts of a source at once.
   *
   * @param {number} index  of the source in the manifest
   * @param {string} targetsJson  a list of Target
   */
  uploadSource(index, targetsJson) {
    /** @type {Target[]} */
    const targets = JSON.parse(targetsJson);
    return this.#artifact.use(index, (bytes) => {
      for (const [buffer, bufferOffset, sourceOffset, length] of targets) {
        this.#gpu.write(buffer, bufferOffset, bytes.subarray(sourceOffset, sourceOffset + length));
      }
    });
  }

  /**
   * @param {string} sourcesJson  a list of sources' numbers
   * @returns {Promise<number>} bytes of them that are yet to be downloaded
   */
  missing(sourcesJson) {
    return this.#artifact.missing(JSON.parse(sourcesJson));
  }

  /**
   * A table stays where it is: its rows will be asked for one by one.
   *
   * @param {string} planesJson  a list of Plane
   */
  openTable(planesJson) {
    const read = (/** @type {import("./load/pieces.js").Part[]} */ parts) => this.#artifact.parts(parts);
    this.#table = new Table(JSON.parse(planesJson), read, (buffer, bytes) => this.#gpu.write(buffer, 0, bytes));
  }

  /**
   * Bring rows of the table to the GPU.
   *
   * @param {string} idsJson  their numbers
   */
  async stageRows(idsJson) {
    await this.#table?.stage(JSON.parse(idsJson));
  }

  /**
   * @param {string} name
   * @returns {Promise<string>} what was found out about this device on another visit; empty if nothing
   */
  recallNote(name) {
    return recallNote(name);
  }

  /**
   * @param {string} name
   * @param {string} text
   */
  keepNote(name, text) {
    return keepNote(name, text);
  }

  /** @returns {string} JSON {adapter, features, limits, wgslFeatures} */
  facts() {
    return this.#gpu.facts();
  }

  /**
   * @param {string} name
   * @param {number} bytes
   * @param {string} role
   */
  createBuffer(name, bytes, role) {
    this.#gpu.createBuffer(name, bytes, role);
  }

  /** @param {string} name */
  releaseBuffer(name) {
    this.#gpu.releaseBuffer(name);
  }

  /**
   * @param {string} name
   * @param {number} offset
   * @param {Uint8Array<ArrayBuffer> | PythonBytes} bytes
   */
  write(name, offset, bytes) {
    if (bytes instanceof Uint8Array) return this.#gpu.write(name, offset, bytes);
    const view = bytes.getBuffer("u8");
    try {
      this.#gpu.write(name, offset, view.data);
    } finally {
      view.release();
    }
  }

  /**
   * @param {string} from
   * @param {number} fromOffset
   * @param {string} to
   * @param {number} toOffset
   * @param {number} bytes
   */
  copy(from, fromOffset, to, toOffset, bytes) {
    this.#gpu.copy(from, fromOffset, to, toOffset, bytes);
  }

  /** @param {string} namesJson  of kernels */
  async compile(namesJson) {
    const wanted = (await this.#opened()).pick(JSON.parse(namesJson));
    await this.#gpu.compile(wanted, (done, total) => this.#post({ type: "progress", stage: "shaders", done, total }));
  }

  /** @param {string} programJson */
  prepare(programJson) {
    return this.#gpu.prepare(programJson);
  }

  /** @param {string} program */
  forget(program) {
    this.#gpu.forget(program);
  }

  /** @param {string} namesJson  of kernels: all others are let go of */
  keepKernels(namesJson) {
    this.#gpu.keepKernels(new Set(JSON.parse(namesJson)));
  }

  /**
   * @param {string} program
   * @param {number} times
   * @param {string} readBuffer
   * @param {number} readOffset
   * @param {number} readBytes
   * @param {number} first  step of the program
   * @param {number} last  one past the last step
   */
  replay(program, times, readBuffer, readOffset, readBytes, first, last) {
    return this.#gpu.replay(program, times, readBuffer, readOffset, readBytes, first, last);
  }

  /**
   * @param {string} program
   * @param {string} partJson  a Part
   * @param {string} readBuffer
   * @param {number} readOffset
   * @param {number} readBytes
   */
  replayPart(program, partJson, readBuffer, readOffset, readBytes) {
    return this.#gpu.replayPart(program, partJson, readBuffer, readOffset, readBytes);
  }

  /**
   * @param {string} program
   * @param {number} times
   */
  seconds(program, times) {
    return this.#gpu.seconds(program, times);
  }

  /**
   * @param {string} name
   * @param {number} offset
   * @param {number} bytes
   */
  read(name, offset, bytes) {
    return this.#gpu.read(name, offset, bytes);
  }
}

/** @typedef {{ getBuffer(type: "u8"): { data: Uint8Array<ArrayBuffer>, release(): void } }} PythonBytes  a proxy of bytes */
