/** Get a WebGPU device with all that its adapter offers of what we use, or say why there is none. */

import { NoWebGPU } from "./errors.js";

const FEATURES = ["shader-f16", "subgroups"];
const LIMITS = /** @type {const} */ ([
  "maxStorageBufferBindingSize",
  "maxBufferSize",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupsPerDimension",
]);

const INSECURE = "WebGPU works only on secure pages. Open this page over https, or from localhost.";
const MISSING =
  "This browser has no WebGPU, which the model needs. Use Chrome or Edge 113 or newer, Safari 26, " +
  "or Firefox 141 or newer, and update it if it is older.";
const NO_ADAPTER =
  "The browser found no graphics card that WebGPU can use. Update the graphics driver, turn on hardware " +
  "acceleration in the browser's settings, or enable chrome://flags/#enable-unsafe-webgpu, then reload.";

/**
 * @param {GPURequestAdapterOptions} [options]
 * @returns {Promise<GPUAdapter>}
 */
export async function findAdapter(options = { powerPreference: "high-performance" }) {
  if (!globalThis.isSecureContext) throw new NoWebGPU(INSECURE);
  if (!navigator.gpu) throw new NoWebGPU(MISSING);
  const adapter = await navigator.gpu.requestAdapter(options).catch(() => null);
  if (!adapter) throw new NoWebGPU(NO_ADAPTER);
  return adapter;
}

/**
 * @param {GPUAdapter} adapter
 * @returns {Promise<GPUDevice>}
 */
export function openDevice(adapter) {
  const features = /** @type {GPUFeatureName[]} */ (FEATURES.filter((name) => adapter.features.has(name)));
  return adapter.requestDevice({ requiredFeatures: features, requiredLimits: limitsOf(adapter.limits) });
}

/**
 * What an adapter offers of what we use, and whether it is software.
 *
 * @param {GPUAdapter} adapter
 */
export function adapterFacts({ info, features, limits }) {
  const { vendor, architecture, description, isFallbackAdapter = false } = info;
  return {
    adapter: { vendor, architecture, description },
    isFallback: isFallbackAdapter,
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
  const { vendor, architecture, description } = adapter.info;
  return {
    adapter: { vendor, architecture, description },
    features: [...device.features],
    limits: limitsOf(device.limits),
    wgslFeatures: [...(navigator.gpu.wgslLanguageFeatures ?? [])],
    memory: memoryToTake(),
  };
}

/** Bytes that a model may sensibly take: half of the machine's, where the browser tells; else 0. */
function memoryToTake() {
  const { deviceMemory = 0 } = /** @type {{ deviceMemory?: number }} */ (navigator); // GiB, rounded
  return (deviceMemory * 2 ** 30) / 2;
}

/**
 * @param {GPUSupportedLimits} limits
 * @returns {Record<string, number>}
 */
function limitsOf(limits) {
  return Object.fromEntries(LIMITS.map((name) => [name, limits[name]]));
}
