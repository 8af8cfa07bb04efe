/**
 * Which system a browser runs on; what to do where there is no WebGPU there, or no graphics card for it. Pure. Versions are those of
 * the browsers' release notes and of the list that WebGPU's working group keeps.
 */

/** @typedef {{ userAgent: string, maxTouchPoints?: number }} Told  what a navigator tells; a worker's knows no touch */
/** @typedef {"Firefox" | "Safari" | "Chromium" | "another"} Browser */
/** @typedef {"iOS" | "Android" | "macOS" | "Windows" | "Linux" | "another"} System */

const NONE = "This browser has no WebGPU, which the model needs.";
const ANY = "Use Chrome or Edge 113 or newer, Safari 26, or Firefox 141 or newer.";
const NO_CARD = "The browser found no graphics card that WebGPU can use.";
const SWITCH_ON = "turn on hardware acceleration in the browser's settings";
const FLAG = "enable chrome://flags/#enable-unsafe-webgpu";

/** @type {Partial<Record<string, string>>} */
const WHERE_NONE = {
  "Firefox Windows": "Firefox has it from version 141 on: update it.",
  "Firefox macOS":
    "Firefox has it on Macs with Apple's processors, from version 147 on (145 on macOS 26): update it, or use Chrome or Edge.",
  "Firefox Linux":
    "Firefox for Linux has it switched off: open about:config in a new tab, set dom.webgpu.enabled to true, and reload this page.",
  "Firefox Android": "Firefox for Android has it switched off: use Chrome.",
  "Safari macOS": "Safari has it from macOS 26 on, and on iPads from iPadOS 26 on: update the system, or use Chrome or Edge on a Mac.",
  "Safari iOS": "iPhones and iPads have it from iOS 26 and iPadOS 26 on, in every browser: update the system.",
  "Chromium Android": "Chrome has it from version 121 and Android 12 on: update them.",
  "Chromium Linux": `Chrome has it on Linux from version 144 on, for some graphics cards: update it, and ${FLAG} if that does not help.`,
  "Chromium macOS": "Chrome and Edge have it from version 113 on: update the browser.",
  "Chromium Windows": "Chrome and Edge have it from version 113 on: update the browser.",
};
/** @type {Partial<Record<string, string>>} */
const WHERE_NO_CARD = {
  "Firefox Linux":
    "Update the graphics driver (Vulkan), or open about:config in a new tab and set gfx.webgpu.ignore-blocklist to true; then reload this page.",
  "Firefox Android": "Use Chrome.",
  "Safari macOS": "Restart Safari, and update the system if that does not help.",
  "Safari iOS": "Close other tabs and apps, and update the system if that does not help.",
  "Chromium Android": "It takes Android 12 or newer, and a graphics processor of ARM, Qualcomm or Intel: update the system and the browser.",
  "Chromium Linux": `Update the graphics driver (Vulkan), ${SWITCH_ON}, or ${FLAG}; then start the browser anew.`,
  "Chromium macOS": `Update the system, ${SWITCH_ON}, or ${FLAG}; then start the browser anew.`,
  "Chromium Windows": `Update the graphics driver, ${SWITCH_ON}, or ${FLAG}; then start the browser anew.`,
};

/**
 * Where `navigator.gpu` is missing on a secure page.
 *
 * @param {Told} told
 */
export function withoutWebGPU(told) {
  return `${NONE} ${WHERE_NONE[placeOf(told)] ?? ANY}`;
}

/**
 * Where `requestAdapter` finds nothing.
 *
 * @param {Told} told
 */
export function withoutAdapter(told) {
  return `${NO_CARD} ${WHERE_NO_CARD[placeOf(told)] ?? `Update the graphics driver, or ${SWITCH_ON}; then reload this page.`}`;
}

/** @param {Told} told */
function placeOf(told) {
  const system = systemOf(told);
  return `${browserOf(told.userAgent, system)} ${system}`;
}

/**
 * @param {Told} told
 * @returns {System}
 */
export function systemOf({ userAgent, maxTouchPoints = 0 }) {
  if (/iPhone|iPad|iPod/.test(userAgent)) return "iOS";
  if (/Macintosh/.test(userAgent)) return maxTouchPoints > 1 ? "iOS" : "macOS"; // an iPad says that it is a Mac
  if (/Android/.test(userAgent)) return "Android";
  if (/Windows/.test(userAgent)) return "Windows";
  return /Linux|X11/.test(userAgent) && !/CrOS/.test(userAgent) ? "Linux" : "another";
}

/**
 * @param {string} userAgent
 * @param {System} system
 * @returns {Browser}
 */
function browserOf(userAgent, system) {
  if (system === "iOS") return "Safari"; // whatever it is called, the engine is the system's
  if (/Firefox\//.test(userAgent)) return "Firefox";
  if (/Chrom(e|ium)\//.test(userAgent)) return "Chromium";
  return /Safari\//.test(userAgent) ? "Safari" : "another";
}
