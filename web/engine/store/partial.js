/**
 * A piece that is still coming: its bytes so far, in the store's `SHA256.partial`, written as they come, so that
 * the next try goes on behind them, on another visit too. They are unproven. Whoever opens one holds the piece's lock.
 */

import { PARTIAL, removeFile } from "./opfs.js";

/** @typedef {import("./opfs.js").PrivateFile} PrivateFile */
/** @typedef {import("./opfs.js").SyncAccess} SyncAccess */

export class Partial {
  #folder;
  #piece;
  #handle;
  /** @type {SyncAccess | null} */
  #access;
  /** @type {Promise<unknown> | null} */
  #dropped = null;

  /**
   * @param {FileSystemDirectoryHandle} folder
   * @param {string} piece
   * @param {PrivateFile} handle
   * @param {SyncAccess} access
   */
  constructor(folder, piece, handle, access) {
    this.#folder = folder;
    this.#piece = piece;
    this.#handle = handle;
    this.#access = access;
  }

  /**
   * @param {FileSystemDirectoryHandle} folder
   * @param {string} piece
   * @returns {Promise<Partial | null>} null where files cannot be written bit by bit: in a page, or with no room
   */
  static async open(folder, piece) {
    try {
      const handle = /** @type {PrivateFile} */ (await folder.getFileHandle(piece + PARTIAL, { create: true }));
      const access = await handle.createSyncAccessHandle?.();
      return access ? new Partial(folder, piece, handle, access) : null;
    } catch {
      return null;
    }
  }

  /**
   * What has come so far.
   *
   * @param {number} most  bytes of the piece; a longer file is none of it, and emptied
   */
  read(most) {
    const size = this.#access?.getSize() ?? 0;
    if (size > most) this.#access?.truncate(0);
    const bytes = new Uint8Array(size > most ? 0 : size);
    return bytes.subarray(0, this.#access?.read(bytes, { at: 0 }) ?? 0);
  }

  /**
   * Put bytes behind those so far, or in the place of what lies from `at` on. Where there is no room, nothing is
   * kept from then on.
   *
   * @param {Uint8Array<ArrayBuffer>} bytes
   * @param {number} at
   */
  write(bytes, at) {
    if (!this.#access) return;
    try {
      if (at < this.#access.getSize()) this.#access.truncate(at);
      // less, or an error's number as 2^32 less 8 (Chromium's private windows): there is no room
      if (this.#access.write(bytes, { at }) !== bytes.length) throw new DOMException("There is no room.", "QuotaExceededError");
    } catch {
      this.drop();
    }
  }

  /**
   * All of it has come and is proven: give it its name.
   *
   * @param {number} bytes
   * @returns {Promise<boolean>} false if not all of it was kept
   */
  async finish(bytes) {
    const isWhole = this.#access?.getSize() === bytes;
    this.close();
    await this.#dropped;
    if (isWhole) await this.#handle.move(this.#piece);
    return isWhole;
  }

  /** Let go of the file; it stays for another time. */
  close() {
    this.#access?.close();
    this.#access = null;
  }

  /** Remove what was kept. */
  drop() {
    try {
      this.#access?.truncate(0); // room at once
    } catch {} // it goes all the same
    this.close();
    this.#dropped ??= removeFile(this.#folder, this.#piece + PARTIAL).catch(() => false);
  }
}
