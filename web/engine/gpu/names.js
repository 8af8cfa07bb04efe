/** What an adapter is called, for people and for notes. Firefox's say nothing of themselves. */

/** @typedef {{ vendor: string, architecture: string, description: string }} Names */
/** @typedef {{ info: Names, features: ReadonlySet<string>, limits: object }} Named  an adapter, as far as it matters here */

/**
 * @param {Named} adapter
 * @returns {Names} with WebGL's name for the GPU where WebGPU has none
 */
export function namesOf({ info: { vendor, architecture, description } }) {
  const isSilent = !vendor && !architecture && !description;
  return { vendor, architecture, description: isSilent ? rendererOfWebGL() : description };
}

/**
 * Names that tell GPUs apart as far as can be: where WebGPU gives none, by all features and limits too.
 *
 * @param {Named} adapter
 * @returns {Names}
 */
export function distinctNamesOf(adapter) {
  const names = namesOf(adapter);
  const { vendor, architecture, description } = adapter.info;
  if (vendor || architecture || description) return names;
  return { ...names, description: `${names.description || "a GPU without a name"} (${markOf(adapter)})` };
}

/** @returns {string} such as "Radeon R9 200 Series, or similar"; empty where there is no WebGL or it does not say */
function rendererOfWebGL() {
  try {
    const gl = new OffscreenCanvas(1, 1).getContext("webgl", { powerPreference: "high-performance" });
    const plain = gl?.getParameter(gl.RENDERER);
    if (gl && plain !== "WebKit WebGL") return plain; // to ask Firefox for more would be noted in the console
    const more = gl?.getExtension("WEBGL_debug_renderer_info");
    return (more && gl?.getParameter(more.UNMASKED_RENDERER_WEBGL)) || "";
  } catch {
    return "";
  }
}

/**
 * Eight hexadecimal digits (FNV-1a) of what an adapter offers.
 *
 * @param {Named} adapter
 */
function markOf({ features, limits }) {
  const offered = [...features].sort();
  for (const name in limits) offered.push(`${name} ${limits[/** @type {keyof typeof limits} */ (name)]}`); // the prototype's too
  let mark = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(offered.join("\n"))) mark = Math.imul(mark ^ byte, 0x01000193);
  return (mark >>> 0).toString(16).padStart(8, "0");
}
