/** Fetch one range of a file and prove it by its SHA-256. */

import { DownloadError } from "./errors.js";

/** @typedef {{ url: string, offset: number, bytes: number, sha256: string }} Source */

const RETRIES = 2;
const FIRST_PAUSE_MS = 500;

/** A failure that another try may mend: the network's, or the server's. */
class Passing extends Error {}

/**
 * @param {Source} source  with an absolute url
 * @param {object} [options]
 * @param {boolean} [options.whole]  the source is probably the whole file, so ask without a Range
 * @param {(received: number) => void} [options.onBytes]  called with bytes received; negative when a try is given up
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function fetchRange(source, { whole = false, onBytes = () => {} } = {}) {
  const bytes = await retrying(source, whole, onBytes);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (hex !== source.sha256) {
    throw new DownloadError(
      `${source.url} is damaged: its SHA-256 is ${hex.slice(0, 12)}…, not ${source.sha256.slice(0, 12)}…. ` +
        `Empty the browser's cache and reload; if it stays, build the site again.`,
    );
  }
  return bytes;
}

/**
 * @param {Source} source
 * @param {boolean} whole
 * @param {(received: number) => void} onBytes
 */
async function retrying(source, whole, onBytes) {
  for (let attempt = 0; ; attempt++) {
    let received = 0;
    try {
      return await fetchOnce(source, whole, (count) => {
        received += count;
        onBytes(count);
      });
    } catch (error) {
      onBytes(-received);
      if (!(error instanceof Passing)) throw error;
      if (attempt === RETRIES) {
        throw new DownloadError(`${source.url} could not be fetched: ${error.message}. Check the connection and try again.`);
      }
      await new Promise((resolve) => setTimeout(resolve, FIRST_PAUSE_MS * 3 ** attempt));
    }
  }
}

/**
 * @param {Source} source
 * @param {boolean} whole
 * @param {(received: number) => void} onBytes
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
async function fetchOnce(source, whole, onBytes) {
  const { url, offset, bytes: length } = source;
  const headers = whole ? undefined : { Range: `bytes=${offset}-${offset + length - 1}` };
  const response = await fetch(url, { headers }).catch((error) => {
    throw new Passing(error.message);
  });
  if (response.status >= 500 || response.status === 429) throw new Passing(`the server answered ${response.status}`);
  if (!response.ok) {
    throw new DownloadError(`${url} could not be fetched: the server answered ${response.status}. Check that the model's files are all there.`);
  }
  if (!whole && response.status !== 206 && offset > 0) {
    await response.body?.cancel();
    throw new DownloadError(`${url}: the server does not serve byte ranges. Use a server that answers Range requests.`);
  }
  const bytes = new Uint8Array(length);
  const received = await fill(bytes, response, onBytes);
  if (received > length && whole) {
    onBytes(-length);
    return fetchOnce(source, false, onBytes); // only the start of a longer file is wanted
  }
  if (received !== length) {
    const found = received > length ? "more" : received;
    throw new DownloadError(`${url} has the wrong length: expected ${length} bytes, got ${found}. Build the site again, or upload the file again.`);
  }
  return bytes;
}

/**
 * Fill `bytes` from a response; gives up once there is more than fits.
 *
 * @param {Uint8Array} bytes
 * @param {Response} response
 * @param {(received: number) => void} onBytes
 * @returns {Promise<number>} bytes received, at least one too many when the body is longer
 */
async function fill(bytes, response, onBytes) {
  const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
  let at = 0;
  for (;;) {
    const { done, value } = await reader.read().catch((error) => {
      throw new Passing(error.message);
    });
    if (done) return at;
    const room = bytes.length - at;
    bytes.set(value.subarray(0, room), at);
    onBytes(Math.min(value.length, room));
    at += value.length;
    if (at > bytes.length) {
      await reader.cancel();
      return at;
    }
  }
}
