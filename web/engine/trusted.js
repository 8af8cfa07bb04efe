/**
 * Addresses of our own scripts, for pages that ask for Trusted Types: there a worker takes no plain string. The policy
 * stays in this module, so nobody else can have an address blessed.
 */

const NAME = "gemtab";
/** @type {{ createScriptURL(url: string): string } | null} */
let policy = null;

/**
 * @param {string} url  of a script of ours
 * @returns {string} the same, as a TrustedScriptURL where the browser knows them and the page allows the policy
 */
export function trusted(url) {
  const { trustedTypes } = /** @type {any} */ (globalThis);
  try {
    policy ??= trustedTypes?.createPolicy(NAME, { createScriptURL: (/** @type {string} */ own) => own }) ?? null;
  } catch {} // the page's policy names others: the browser refuses the plain string, if it asks for more
  return policy ? policy.createScriptURL(url) : url;
}
