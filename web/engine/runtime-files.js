/**
 * The files that Python starts from, by their path in the site. A build writes this module with their bytes and
 * SHA-256: build/gemtab_build/site/write.py.
 */

/** @type {Record<string, { bytes: number, sha256: string }>} */
export const RUNTIME_FILES = {};
