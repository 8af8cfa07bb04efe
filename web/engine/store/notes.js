/**
 * What the engine found out about a device, by name: small texts in OPFS `gemtab/devices`. They save time on
 * the next visit and no more, so that where they cannot be kept all goes on.
 */

import { openFile, openFolder, writeFile } from "./opfs.js";

/**
 * @param {string} name
 * @returns {Promise<string>} empty if there is none
 */
export async function recallNote(name) {
  try {
    const folder = await openFolder("gemtab", "devices");
    const file = folder && (await openFile(folder, name));
    return file ? await file.text() : "";
  } catch {
    return "";
  }
}

/**
 * @param {string} name
 * @param {string} text
 */
export async function keepNote(name, text) {
  try {
    const folder = await openFolder("gemtab", "devices");
    if (folder) await writeFile(folder, name, new TextEncoder().encode(text));
  } catch {
    // there is no room: the next visit finds out again
  }
}
