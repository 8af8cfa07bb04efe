/** Phones and tablets, taken for small where the browser does not tell their memory: Safari and Firefox do not. */

import { machineMemory } from "../gpu/adapter.js";
import { systemOf } from "../gpu/advice.js";

/** Bytes of graphics memory that a phone or tablet is taken to lend a page: E2B's per-layer embeddings stay on its disk. */
export const HANDHELD_MEMORY = 2 ** 30;

const SMALL_SCREEN = 900; // CSS pixels of the shorter side: of tablets, not of laptops that fold
const NAMES = /Mobile|Tablet/;
const SYSTEMS = ["Android", "iOS"];

/**
 * What a page sees of a device.
 *
 * @typedef {object} Seen
 * @property {{ userAgent: string, maxTouchPoints?: number, userAgentData?: { mobile: boolean, platform: string } }} navigator
 * @property {(query: string) => { matches: boolean }} [matchMedia]
 * @property {{ width: number, height: number }} [screen]
 */

/**
 * @param {Seen} [seen]
 * @returns {boolean}
 */
export function isHandheld(seen = globalThis) {
  const { userAgent, maxTouchPoints = 0, userAgentData } = seen.navigator;
  if (userAgentData?.mobile || userAgentData?.platform === "Android" || NAMES.test(userAgent)) return true;
  if (SYSTEMS.includes(systemOf(seen.navigator))) return true;
  if (maxTouchPoints < 2) return false;
  const { width, height } = seen.screen ?? { width: Infinity, height: Infinity };
  const isCoarse = seen.matchMedia?.("(pointer: coarse)").matches ?? false;
  return isCoarse && Math.min(width, height) < SMALL_SCREEN;
}

/** @returns {number | null} bytes of graphics memory to use at most, where nobody says and the device is small */
export function assumedMemory() {
  return machineMemory() === null && isHandheld() ? HANDHELD_MEMORY : null;
}
