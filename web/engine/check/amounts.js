/** Bytes and times in words; a number and its unit stay on one line. */

const UNITS = /** @type {const} */ ([
  [1e9, "GB"],
  [1e6, "MB"],
  [1e3, "kB"],
]);

/** @param {number} bytes */
export function inBytes(bytes) {
  const [scale, unit] = unitOf(bytes);
  return `${digits(bytes / scale)}\u00a0${unit}`;
}

/**
 * A machine's memory as it is sold: 16 GiB are called 16 GB.
 *
 * @param {number} bytes
 */
export function inMemory(bytes) {
  return `${bytes / 2 ** 30}\u00a0GB`;
}

/**
 * @param {number} done  bytes
 * @param {number} total
 */
export function partOf(done, total) {
  const [scale, unit] = unitOf(total);
  return `${digits(done / scale)} of ${digits(total / scale)}\u00a0${unit}`;
}

/** @param {number} seconds */
export function inTime(seconds) {
  if (seconds < 90) return `${Math.ceil(seconds)}\u00a0s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes}\u00a0min` : `${(minutes / 60).toFixed(1)}\u00a0h`;
}

/** @param {number} bytes */
function unitOf(bytes) {
  return UNITS.find(([scale]) => bytes >= scale * 0.9995) ?? UNITS[2];
}

/** @param {number} number */
function digits(number) {
  return number.toFixed(number < 99.95 ? 1 : 0);
}
