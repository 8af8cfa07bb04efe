/**
 * A table that stays off the GPU: single rows go from the store, or from the network while it is not kept
 * yet, to small buffers. The hottest rows stay at hand: a language repeats itself.
 */

const HOT_BYTES = 16 << 20;

/** @typedef {{ row: number, source: number, offset: number }} Piece  rows from `row` on, at `offset` of a source */
/** @typedef {{ buffer: string, row_bytes: number, pieces: Piece[] }} Plane  pieces by row, lowest first */
/** @typedef {(parts: { source: number, offset: number, length: number }[]) => Promise<Uint8Array<ArrayBuffer>[]>} ReadParts */

export class Table {
  #planes;
  #readParts;
  #write;
  #mostHot;
  /** @type {Map<number, Uint8Array<ArrayBuffer>[]>} plane by plane; the row that was wanted longest ago comes first */
  #hot = new Map();

  /**
   * @param {Plane[]} planes
   * @param {ReadParts} readParts
   * @param {(buffer: string, bytes: Uint8Array<ArrayBuffer>) => void} write  to the start of a GPU buffer
   */
  constructor(planes, readParts, write) {
    this.#planes = planes;
    this.#readParts = readParts;
    this.#write = write;
    const rowBytes = planes.reduce((sum, plane) => sum + plane.row_bytes, 0);
    this.#mostHot = Math.max(1, Math.floor(HOT_BYTES / rowBytes));
  }

  /** @returns {Set<number>} the sources that hold rows */
  sources() {
    return new Set(this.#planes.flatMap(({ pieces }) => pieces.map(({ source }) => source)));
  }

  /**
   * Bring the rows of these ids to the GPU, in their order. All that are not at hand are asked for together.
   *
   * @param {number[]} ids
   */
  async stage(ids) {
    await this.#read([...new Set(ids)].filter((id) => !this.#hot.has(id)));
    const rows = ids.map((id) => this.#warm(id));
    for (const [index, { buffer, row_bytes }] of this.#planes.entries()) {
      const bytes = new Uint8Array(rows.length * row_bytes);
      for (const [place, row] of rows.entries()) bytes.set(row[index], place * row_bytes);
      this.#write(buffer, bytes);
    }
    for (const id of this.#hot.keys()) {
      if (this.#hot.size <= this.#mostHot) break;
      this.#hot.delete(id);
    }
  }

  /** @param {number[]} ids  each once */
  async #read(ids) {
    if (!ids.length) return;
    const parts = await this.#readParts(ids.flatMap((id) => this.#planes.map((plane) => partOf(plane, id))));
    const { length } = this.#planes;
    for (const [place, id] of ids.entries()) this.#hot.set(id, parts.slice(place * length, (place + 1) * length));
  }

  /**
   * A row that is at hand, as the one that was wanted last.
   *
   * @param {number} id
   */
  #warm(id) {
    const row = /** @type {Uint8Array<ArrayBuffer>[]} */ (this.#hot.get(id));
    this.#hot.delete(id);
    this.#hot.set(id, row);
    return row;
  }
}

/**
 * Where a row's part of a plane lies.
 *
 * @param {Plane} plane
 * @param {number} id
 */
function partOf({ pieces, row_bytes }, id) {
  const { row, source, offset } = pieces[lastAtOrBelow(pieces, id)];
  return { source, offset: offset + (id - row) * row_bytes, length: row_bytes };
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
