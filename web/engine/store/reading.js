/**
 * A piece that is being read stays, in this tab or another: its readers hold a Web Lock together, and whoever removes
 * it must have that alone. In Chromium an open handle would do; Firefox removes what is open.
 */

const lockOf = (/** @type {string} */ piece) => `gemtab reading ${piece}`;

/**
 * Do something with a piece that meanwhile nobody removes.
 *
 * @template T
 * @param {string} piece  its SHA-256
 * @param {() => Promise<T>} act
 * @returns {Promise<T>}
 */
export async function whileKept(piece, act) {
  return navigator.locks.request(lockOf(piece), { mode: "shared" }, act);
}

/**
 * Keep a piece from being removed for longer, until the worker's or the page's end at most.
 *
 * @param {string} piece
 * @returns {Promise<() => Promise<void>>} lets go, and resolves when that is known to all tabs
 */
export function keepPiece(piece) {
  return new Promise((resolve, reject) => {
    const kept = whileKept(piece, () => {
      /** @type {Promise<void>} */
      const released = new Promise((release) => {
        resolve(() => {
          release();
          return kept;
        });
      });
      return released;
    });
    kept.catch(reject);
  });
}

/**
 * @param {string} piece
 * @param {() => Promise<boolean>} remove
 * @returns {Promise<boolean>} false if it is being read
 */
export function ifUnread(piece, remove) {
  return navigator.locks.request(lockOf(piece), { ifAvailable: true }, async (held) => held !== null && remove());
}
