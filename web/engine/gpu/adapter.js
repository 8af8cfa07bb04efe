/** Get a WebGPU device with all that its adapter offers of what we use, or say why there is none. */

import { withoutAdapter, withoutWebGPU } from "./advice.js";
import { NoWebGPU } from "../errors.js";
import { distinctNamesOf, namesOf } from "./names.js";

export const FEATURES = ["shader-f16", "subgroups"];
const TIMING = "timestamp-query"; // for us, not for the kernels
export const WGSL_FEATURES = ["packed_4x8_integer_dot_product"];
const LIMITS = /** @type {const} */ ([
  "maxStorageBufferBindingSize",
  "maxBufferSize",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupsPerDimension",
]);

/** How much of a machine's memory a model may sensibly take; Windows lends a GPU as much. */
export const MEMORY_SHARE = 0.5;

const INSECURE = "WebGPU works only on secure pages. Open this page over https, or from localhost.";

/**
 * @param {GPURequestAdapterOptions} [options]
 * @returns {Promise<GPUAdapter>}
 */
export async function findAdapter(options = { powerPreference: "high-performance" }) {
  if (!globalThis.isSecureContext) throw new NoWebGPU(INSECURE);
  if (!navigator.gpu) throw new NoWebGPU(withoutWebGPU(navigator));
  const adapter = await navigator.gpu.requestAdapter(options).catch(() => null);
  if (!adapter) throw new NoWebGPU(withoutAdapter(navigator));
  return adapter;
}

/**
 * @param {GPUAdapter} adapter
 * @returns {Promise<GPUDevice>}
 */
export function openDevice(adapter) {
  const features = /** @type {GPUFeatureName[]} */ ([...FEATURES, TIMING].filter((name) => adapter.features.has(name)));
  return adapter.requestDevice({ requiredFeatures: features, requiredLimits: limitsOf(adapter.limits) });
}

/**
 * What an adapter offers of what we use, and whether it is software.
 *
 * @param {GPUAdapter} adapter
 */
export function adapterFacts(adapter) {
  const { info, features, limits } = adapter;
  return {
    adapter: namesOf(adapter),
    isFallback: info.isFallbackAdapter ?? false,
    features: FEATURES.filter((name) => features.has(name)),
    limits: limitsOf(limits),
  };
}

/**
 * What the plan wants to know of the device.
 *
 * @param {GPUAdapter} adapter
 * @param {GPUDevice} device
 */
export function deviceFacts(adapter, device) {
  return {
    adapter: distinctNamesOf(adapter),
    features: FEATURES.filter((name) => device.features.has(name)),
    limits: limitsOf(device.limits),
    wgslFeatures: [...(navigator.gpu.wgslLanguageFeatures ?? [])],
    memory: (machineMemory() ?? 0) * MEMORY_SHARE,
    driver: navigator.userAgent,
  };
}

/** @returns {number | null} bytes of the machine's memory, rounded; null where the browser does not tell */
export function machineMemory() {
  const { deviceMemory } = /** @type {{ deviceMemory?: number }} */ (navigator); // GiB
  return deviceMemory === undefined ? null : deviceMemory * 2 ** 30;
}

/**
 * @param {GPUSupportedLimits} limits
 * @returns {Record<string, number>}
 */
function limitsOf(limits) {
  return Object.fromEntries(LIMITS.map((name) => [name, limits[name]]));
}
