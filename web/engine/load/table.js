/**
 * A table that stays off the GPU: single rows go from the store, or from the network while it is not kept
 * yet, to small buffers. The hottest rows stay at hand: a language repeats itself.
 */

const HOT_BYTES = 16 << 20;

/** @typedef {{ row: number, source: number, offset: number }} Piece  rows from `row` on, at `offset` of a source */
/** @typedef {{ buffer: string, row_bytes: number, pieces: Piece[] }} Plane  pieces by row, lowest first */
/** @typedef {(source: number, offset: number, length: number) => Promise<Uint8Array<ArrayBuffer>>} ReadPart */

export class Table {
  #planes;
  #readPart;
  #write;
  #mostHot;
  /** @type {Map<number, Promise<Uint8Array<ArrayBuffer>[]>>} */
  #hot = new Map();

  /**
   * @param {Plane[]} planes
   * @param {ReadPart} readPart
   * @param {(buffer: string, bytes: Uint8Array<ArrayBuffer>) => void} write  to the start of a GPU buffer
   */
  constructor(planes, readPart, write) {
    this.#planes = planes;
    this.#readPart = readPart;
    this.#write = write;
    const rowBytes = planes.reduce((sum, plane) => sum + plane.row_bytes, 0);
    this.#mostHot = Math.max(1, Math.floor(HOT_BYTES / rowBytes));
  }

  /** @returns {Set<number>} the sources that hold rows */
  sources() {
    return new Set(this.#planes.flatMap(({ pieces }) => pieces.map(({ source }) => source)));
  }

  /**
   * Bring the rows of these ids to the GPU, in their order. Several are on their way at once.
   *
   * @param {number[]} ids
   */
  async stage(ids) {
    const rows = await Promise.all(ids.map((id) => this.#row(id)));
    for (const [index, { buffer, row_bytes }] of this.#planes.entries()) {
      const bytes = new Uint8Array(rows.length * row_bytes);
      for (const [place, row] of rows.entries()) bytes.set(row[index], place * row_bytes);
      this.#write(buffer, bytes);
    }
    for (const id of this.#hot.keys()) {
      if (this.#hot.size <= this.#mostHot) break;
      this.#hot.delete(id); // the one that was wanted longest ago
    }
  }

  /** @param {number} id */
  #row(id) {
    const row = this.#hot.get(id) ?? Promise.all(this.#planes.map((plane) => this.#part(plane, id)));
    this.#hot.delete(id);
    this.#hot.set(id, row);
    row.catch(() => this.#hot.delete(id)); // the next one tries again
    return row;
  }

  /**
   * @param {Plane} plane
   * @param {number} id
   */
  #part({ pieces, row_bytes }, id) {
    const piece = pieces[lastAtOrBelow(pieces, id)];
    return this.#readPart(piece.source, piece.offset + (id - piece.row) * row_bytes, row_bytes);
  }
}

/**
 * @param {Piece[]} pieces
 * @param {number} row
 */
function lastAtOrBelow(pieces, row) {
  let low = 0;
  let high = pieces.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (pieces[middle].row <= row) low = middle;
    else high = middle - 1;
  }
  return low;
}
