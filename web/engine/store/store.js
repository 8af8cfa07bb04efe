/**
 * Pieces of models that this origin keeps: OPFS files `gemtab/SHA256`, one a source, shared by all models
 * that have the piece. A file of that name was proven before it got the name, and is proven again when read.
 */

import { listFiles, openFile, openFolder, openShared, PARTIAL, removeFile, writeFile } from "./opfs.js";
import { Partial } from "./partial.js";
import { ifUnread, keepPiece, whileKept } from "./reading.js";
import { sha256 } from "../load/sha256.js";

/** @typedef {{ read(offset: number, length: number): Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer>>, close(): Promise<void> }} Reader */

/** The name of the Web Lock that a tab holds while it fetches and writes a piece. */
export const lockOf = (/** @type {string} */ piece) => `gemtab ${piece}`;

export class Store {
  #folder;
  /** @type {Map<string, Promise<Reader>>} */
  #readers = new Map();

  /** @param {FileSystemDirectoryHandle} folder */
  constructor(folder) {
    this.#folder = folder;
  }

  /** @returns {Promise<Store | null>} null where the browser keeps no files */
  static async open() {
    const folder = await openFolder("gemtab");
    return folder && new Store(folder);
  }

  /** @returns {Promise<Map<string, number>>} bytes of every piece, by SHA-256 */
  async sizes() {
    return (await this.contents()).whole;
  }

  /** @returns {Promise<{ whole: Map<string, number>, begun: Map<string, number> }>} bytes by SHA-256: of pieces, and of those that are still coming */
  async contents() {
    const whole = new Map();
    const begun = new Map();
    for (const name of await listFiles(this.#folder)) {
      const file = await openFile(this.#folder, name).catch(() => null); // another tab may be writing it
      if (file && name.endsWith(PARTIAL)) begun.set(pieceOf(name), file.size);
      else if (file) whole.set(name, file.size);
    }
    return { whole, begun };
  }

  /**
   * A piece, proven. One that is damaged is removed.
   *
   * @param {string} piece  its SHA-256
   * @param {number} bytes  its length
   * @returns {Promise<Uint8Array<ArrayBuffer> | null>} null if it is not there
   */
  async get(piece, bytes) {
    const found = await whileKept(piece, async () => {
      const file = await openFile(this.#folder, piece);
      const content = file?.size === bytes ? await file.arrayBuffer().catch(() => null) : null;
      const whole = content && new Uint8Array(content);
      return { isThere: file !== null, proven: whole && (await sha256(whole)) === piece ? whole : null };
    });
    if (found.isThere && !found.proven) await this.remove(piece);
    return found.proven;
  }

  /**
   * Keep a piece; its bytes must be proven.
   *
   * @param {string} piece
   * @param {Uint8Array<ArrayBuffer>} bytes
   */
  put(piece, bytes) {
    return writeFile(this.#folder, piece, bytes);
  }

  /**
   * A piece that is still coming, to go on with. Hold its lock.
   *
   * @param {string} piece
   */
  openPartial(piece) {
    return Partial.open(this.#folder, piece);
  }

  /**
   * A part of a piece, unproven: `get` it once before. The file stays open for the next read.
   *
   * @param {string} piece
   * @param {number} offset
   * @param {number} length
   * @returns {Promise<Uint8Array<ArrayBuffer>>} shorter where the piece ends
   */
  async read(piece, offset, length) {
    let reader = this.#readers.get(piece);
    if (!reader) {
      this.#readers.set(piece, (reader = this.#openReader(piece)));
      reader.catch(() => this.#readers.delete(piece));
    }
    return (await reader).read(offset, length);
  }

  /**
   * @param {string} piece
   * @returns {Promise<Reader>}
   */
  async #openReader(piece) {
    const letGo = await keepPiece(piece);
    try {
      const handle = await this.#folder.getFileHandle(piece);
      const access = await openShared(handle);
      if (!access) return { read: readerOf(await handle.getFile()), close: letGo };
      return {
        read(offset, length) {
          const bytes = new Uint8Array(length);
          return bytes.subarray(0, access.read(bytes, { at: offset }));
        },
        close() {
          access.close();
          return letGo();
        },
      };
    } catch (error) {
      await letGo();
      throw error;
    }
  }

  /**
   * @param {string} piece
   * @returns {Promise<boolean>} false if it is in use
   */
  async remove(piece) {
    const reader = this.#readers.get(piece);
    this.#readers.delete(piece);
    await (await reader?.catch(() => null))?.close();
    return ifUnread(piece, () => removeFile(this.#folder, piece));
  }

  /**
   * Remove the pieces that nobody needs.
   *
   * @param {() => Promise<Set<string>>} needed  asked after the pieces were listed, so that a new one is not taken for an old
   * @returns {Promise<boolean>} false if some are in use and stay
   */
  async sweep(needed) {
    const names = await listFiles(this.#folder);
    const kept = await needed();
    let all = true;
    for (const name of names) {
      if (kept.has(pieceOf(name))) continue;
      all = (await (name.endsWith(PARTIAL) ? this.#removePartial(name) : this.remove(name))) && all;
    }
    return all;
  }

  /** @param {string} name  of a file that another tab may be writing: then it holds the piece's lock */
  #removePartial(name) {
    return navigator.locks.request(lockOf(pieceOf(name)), { ifAvailable: true }, (held) => held !== null && removeFile(this.#folder, name));
  }
}

/** @param {string} name  of a file */
function pieceOf(name) {
  return name.endsWith(PARTIAL) ? name.slice(0, -PARTIAL.length) : name;
}

/**
 * @param {File} file
 * @returns {Reader["read"]}
 */
function readerOf(file) {
  return async (offset, length) => new Uint8Array(await file.slice(offset, offset + length).arrayBuffer());
}
