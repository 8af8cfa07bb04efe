/** The few things that we do with the browser's private files (OPFS), of this origin. */

/**
 * What TypeScript's DOM library leaves out, since it is for workers or has no standard yet.
 *
 * @typedef {object} SyncAccess
 * @property {string} [mode]
 * @property {(into: Uint8Array, options: { at: number }) => number} read
 * @property {(from: Uint8Array, options: { at: number }) => number} write
 * @property {(bytes: number) => void} truncate
 * @property {() => number} getSize
 * @property {() => void} close
 *
 * @typedef {{ move(name: string): Promise<void>, createSyncAccessHandle?: (options?: { mode: string }) => Promise<SyncAccess> }} Private
 * @typedef {FileSystemFileHandle & Private} PrivateFile
 */

/** How the name of a file ends that is not whole yet. */
export const PARTIAL = ".partial";

/**
 * @param {string[]} path
 * @returns {Promise<FileSystemDirectoryHandle | null>} null where the browser keeps no files, as some private windows
 */
export async function openFolder(...path) {
  try {
    let folder = await navigator.storage.getDirectory();
    for (const name of path) folder = await folder.getDirectoryHandle(name, { create: true });
    return folder;
  } catch {
    return null;
  }
}

/**
 * @param {FileSystemDirectoryHandle} folder
 * @param {string} name
 * @returns {Promise<File | null>} null if there is none
 */
export async function openFile(folder, name) {
  try {
    return await (await folder.getFileHandle(name)).getFile();
  } catch (error) {
    if (isError(error, "NotFoundError")) return null;
    throw error;
  }
}

/**
 * Write a file whole or not at all: under another name, which it changes when it is whole.
 *
 * @param {FileSystemDirectoryHandle} folder
 * @param {string} name
 * @param {Uint8Array<ArrayBuffer>} bytes
 */
export async function writeFile(folder, name, bytes) {
  const partial = name + PARTIAL;
  const handle = /** @type {PrivateFile} */ (await folder.getFileHandle(partial, { create: true }));
  try {
    if (handle.createSyncAccessHandle) writeThrough(await handle.createSyncAccessHandle(), bytes);
    else await writeInPage(handle, bytes);
    await handle.move(name);
  } catch (error) {
    await removeFile(folder, partial).catch(() => {}); // it may be what could not be had
    throw error;
  }
}

/**
 * @param {SyncAccess} access
 * @param {Uint8Array<ArrayBuffer>} bytes
 */
function writeThrough(access, bytes) {
  try {
    access.truncate(0);
    for (let at = 0; at < bytes.length; ) {
      const written = access.write(bytes.subarray(at), { at });
      // Chromium's private windows do not throw: they return an error's number, as 2^32 less 8
      if (!written || written > bytes.length - at) throw new DOMException("There is no room.", "QuotaExceededError");
      at += written;
    }
  } finally {
    access.close();
  }
}

/**
 * @param {FileSystemFileHandle} handle
 * @param {Uint8Array<ArrayBuffer>} bytes
 */
async function writeInPage(handle, bytes) {
  const stream = await handle.createWritable();
  await stream.write(bytes);
  await stream.close();
}

/**
 * A handle for reading that many tabs may hold at once. Where the browser does not know how, its
 * handles are exclusive, and would shut other tabs out.
 *
 * @param {FileSystemFileHandle} handle
 * @returns {Promise<SyncAccess | null>}
 */
export async function openShared(handle) {
  const { createSyncAccessHandle } = /** @type {PrivateFile} */ (handle);
  try {
    const access = await createSyncAccessHandle?.call(handle, { mode: "read-only" });
    if (access?.mode === "read-only") return access;
    access?.close();
  } catch (error) {
    if (!isError(error, "NoModificationAllowedError")) throw error;
  }
  return null;
}

/**
 * @param {FileSystemDirectoryHandle} folder
 * @param {string} name
 * @returns {Promise<boolean>} false if it is in use
 */
export async function removeFile(folder, name) {
  try {
    await folder.removeEntry(name);
  } catch (error) {
    if (isError(error, "NoModificationAllowedError")) return false;
    if (!isError(error, "NotFoundError")) throw error;
  }
  return true;
}

/**
 * @param {FileSystemDirectoryHandle} folder
 * @returns {Promise<string[]>} the names of its files
 */
export async function listFiles(folder) {
  const names = [];
  for await (const [name, handle] of folder.entries()) if (handle.kind === "file") names.push(name);
  return names;
}

/**
 * @param {unknown} error
 * @param {string} name
 */
export function isError(error, name) {
  return error instanceof Error && error.name === name;
}
