/**
 * Kernels compiled to pipelines, each once. Layouts are explicit: with `auto`, a binding that a shader
 * variant does not read would vanish, and bind groups would differ from variant to variant.
 */

import { DeviceError } from "../errors.js";

/** @typedef {{ wgsl: string, entry: string, bindings: string[] }} Kernel  a leading `*` marks a written binding */
/** @typedef {{ pipeline: GPUComputePipeline, layout: GPUBindGroupLayout }} Compiled */

export class Pipelines {
  /** @type {GPUDevice} */
  #device;
  /** @type {Map<string, Compiled>} */
  #compiled = new Map();
  /** @type {Map<string, Promise<void>>} */
  #coming = new Map();
  /** @type {Map<string, GPUBindGroupLayout>} */
  #layouts = new Map();

  /** @param {GPUDevice} device */
  constructor(device) {
    this.#device = device;
  }

  /**
   * @param {string} name
   * @returns {Compiled}
   */
  get(name) {
    const compiled = this.#compiled.get(name);
    if (!compiled) throw new DeviceError(`The kernel ${name} was not compiled. Compile it before preparing a program.`);
    return compiled;
  }

  /**
   * Let go of all but some. What is wanted again is compiled anew.
   *
   * @param {Set<string>} names
   */
  keep(names) {
    for (const name of this.#compiled.keys()) if (!names.has(name)) this.#compiled.delete(name);
  }

  /**
   * @param {Record<string, Kernel>} kernels
   * @param {(done: number, total: number) => void} onProgress
   */
  async compile(kernels, onProgress) {
    const missing = Object.entries(kernels).filter(([name]) => !this.#compiled.has(name));
    let done = 0;
    onProgress(0, missing.length);
    const compiling = missing.map(async ([name, kernel]) => {
      await this.#once(name, kernel);
      onProgress(++done, missing.length);
    });
    await Promise.all(compiling);
  }

  /**
   * Wait for a kernel that is being compiled, or begin to.
   *
   * @param {string} name
   * @param {Kernel} kernel
   */
  #once(name, kernel) {
    const begin = async () => {
      try {
        this.#compiled.set(name, await this.#compileOne(name, kernel));
      } finally {
        this.#coming.delete(name);
      }
    };
    const coming = this.#coming.get(name) ?? begin();
    this.#coming.set(name, coming);
    return coming;
  }

  /**
   * @param {string} name
   * @param {Kernel} kernel
   * @returns {Promise<Compiled>}
   */
  async #compileOne(name, { wgsl, entry, bindings }) {
    const layout = this.#layout(bindings);
    const module = this.#device.createShaderModule({ label: name, code: wgsl });
    try {
      const pipeline = await this.#device.createComputePipelineAsync({
        label: name,
        layout: this.#device.createPipelineLayout({ bindGroupLayouts: [layout] }),
        compute: { module, entryPoint: entry },
      });
      return { pipeline, layout };
    } catch (error) {
      const { messages } = await module.getCompilationInfo();
      const found = messages.find((message) => message.type === "error");
      const detail = found ? `line ${found.lineNum}: ${found.message}` : /** @type {Error} */ (error).message;
      throw new DeviceError(`This GPU's driver refused the kernel ${name}: ${detail}. Update the browser and the graphics driver.`);
    }
  }

  /**
   * @param {string[]} bindings
   * @returns {GPUBindGroupLayout}
   */
  #layout(bindings) {
    const key = bindings.map((name) => (name.startsWith("*") ? "w" : "r")).join("");
    const known = this.#layouts.get(key);
    if (known) return known;
    const types = /** @type {GPUBufferBindingType[]} */ ([
      ...bindings.map((name) => (name.startsWith("*") ? "storage" : "read-only-storage")),
      "uniform",
    ]);
    const layout = this.#device.createBindGroupLayout({
      label: key,
      entries: types.map((type, binding) => ({ binding, visibility: GPUShaderStage.COMPUTE, buffer: { type } })),
    });
    this.#layouts.set(key, layout);
    return layout;
  }
}
