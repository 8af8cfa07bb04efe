/**
 * The GPU's end: buffers by name, and programs that Python planned, replayed with no Python in between.
 * The one JavaScript file of the hot path: `replay` runs once for a batch of tokens.
 */

import { deviceFacts, findAdapter, openDevice } from "./adapter.js";
import { DeviceError } from "./errors.js";
import { Pipelines } from "./pipelines.js";
import { Staging } from "./staging.js";

/** @typedef {[buffer: string, offset: number, bytes: number]} Slice */
/** @typedef {{ kernel: string, slices: Slice[], shape: number, grid: [number, number, number] }} Step  shape: its byte offset */
/** @typedef {{ name: string, shapes: string | number[], steps: Step[] }} Program  shapes: the uniform buffer's bytes, as base64 or numbers */
/** @typedef {{ pipeline: GPUComputePipeline, group: GPUBindGroup, grid: [number, number, number] }} Dispatch */

const SHAPE_BYTES = 32;

export class Gpu {
  /** @type {GPUAdapter} */
  #adapter;
  /** @type {GPUDevice} */
  #device;
  /** @type {Pipelines} */
  #pipelines;
  /** @type {Staging} */
  #staging;
  /** @type {Map<string, GPUBuffer>} */
  #buffers = new Map();
  /** @type {Map<string, Dispatch[]>} */
  #programs = new Map();
  /** @type {Map<string, { buffer: GPUBuffer, groups: Map<string, GPUBindGroup> }>} */
  #shapes = new Map();
  /** @type {Promise<void>[]} */
  #checks = [];

  /**
   * @param {GPUAdapter} adapter
   * @param {GPUDevice} device
   */
  constructor(adapter, device) {
    this.#adapter = adapter;
    this.#device = device;
    this.#pipelines = new Pipelines(device);
    this.#staging = new Staging(device);
  }

  /**
   * @param {GPURequestAdapterOptions} [adapterOptions]
   * @param {(message: string) => void} [onLost]
   */
  static async create(adapterOptions, onLost = () => {}) {
    const adapter = await findAdapter(adapterOptions);
    const device = await openDevice(adapter);
    device.lost.then(({ reason, message }) => {
      if (reason === "destroyed") return;
      onLost(`The graphics card was lost (${message || "no reason given"}). Close other tabs that use it and reload the page.`);
    });
    return new Gpu(adapter, device);
  }

  /** @returns {string} JSON {adapter, features, limits, wgslFeatures} */
  facts() {
    return JSON.stringify(deviceFacts(this.#adapter, this.#device));
  }

  /**
   * A new buffer, zeroed. Whether it fitted shows at the next `settled`, `prepare` or `read`.
   *
   * @param {string} name
   * @param {number} bytes
   * @param {string} role  weight | cache | state | scratch
   */
  createBuffer(name, bytes, role) {
    this.#buffers.get(name)?.destroy();
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
    const mib = Math.ceil(bytes / 2 ** 20);
    const check = this.#checked(`a ${role} buffer of ${mib} MiB (${name})`, () => {
      this.#buffers.set(name, this.#device.createBuffer({ label: name, size: Math.max(4, padded(bytes)), usage }));
    });
    check.catch(() => {}); // `settled` reports it
    this.#checks.push(check);
  }

  /**
   * @param {string} name
   * @param {number} offset  a multiple of 4
   * @param {Uint8Array<ArrayBuffer>} bytes  padded with zeros to a multiple of 4
   */
  write(name, offset, bytes) {
    let whole = bytes;
    if (bytes.length % 4) {
      whole = new Uint8Array(padded(bytes.length));
      whole.set(bytes);
    }
    this.#device.queue.writeBuffer(this.#buffer(name), offset, whole);
  }

  /**
   * @param {string} from
   * @param {number} fromOffset
   * @param {string} to
   * @param {number} toOffset
   * @param {number} bytes
   */
  copy(from, fromOffset, to, toOffset, bytes) {
    const encoder = this.#device.createCommandEncoder();
    encoder.copyBufferToBuffer(this.#buffer(from), fromOffset, this.#buffer(to), toOffset, bytes);
    this.#device.queue.submit([encoder.finish()]);
  }

  /** Throws what went wrong in creating buffers, if something did. */
  async settled() {
    await Promise.all(this.#checks.splice(0));
  }

  /**
   * @param {string} kernelsJson  {name: {wgsl, entry, bindings}}
   * @param {(done: number, total: number) => void} [onProgress]
   */
  compile(kernelsJson, onProgress = () => {}) {
    return this.#pipelines.compile(JSON.parse(kernelsJson), onProgress);
  }

  /**
   * Build a program's bind groups. A program of the same name is replaced.
   *
   * @param {string} programJson  a Program
   */
  async prepare(programJson) {
    /** @type {Program} */
    const program = JSON.parse(programJson);
    await this.settled();
    await this.#checked(`the program ${program.name}`, () => {
      this.#shapes.get(program.name)?.buffer.destroy();
      const shapes = { buffer: this.#uniform(program), groups: new Map() };
      this.#shapes.set(program.name, shapes);
      this.#programs.set(program.name, program.steps.map((step) => this.#dispatch(step, shapes)));
    });
  }

  /**
   * Run a program `times` times in one submit, then read a range back.
   *
   * @param {string} name
   * @param {number} times
   * @param {string} readBuffer
   * @param {number} readOffset
   * @param {number} readBytes  0 waits for the GPU and reads nothing
   * @returns {Promise<Uint8Array<ArrayBuffer>>}
   */
  async replay(name, times, readBuffer = "", readOffset = 0, readBytes = 0) {
    const dispatches = this.#programs.get(name);
    if (!dispatches) throw new DeviceError(`The program ${name} was not prepared. Prepare it before replaying it.`);
    const encoder = this.#device.createCommandEncoder();
    for (let run = 0; run < times; run++) encodePass(encoder, dispatches);
    return this.#submitAndRead(encoder, readBuffer, readOffset, readBytes);
  }

  /**
   * @param {string} name
   * @param {number} offset  a multiple of 4
   * @param {number} bytes
   * @returns {Promise<Uint8Array<ArrayBuffer>>}
   */
  async read(name, offset, bytes) {
    await this.settled();
    return this.#submitAndRead(this.#device.createCommandEncoder(), name, offset, bytes);
  }

  /**
   * @param {GPUCommandEncoder} encoder
   * @param {string} name
   * @param {number} offset
   * @param {number} bytes
   */
  async #submitAndRead(encoder, name, offset, bytes) {
    const { queue } = this.#device;
    if (!bytes) {
      queue.submit([encoder.finish()]);
      await queue.onSubmittedWorkDone();
      return new Uint8Array(0);
    }
    const staging = this.#staging.borrow(padded(bytes));
    encoder.copyBufferToBuffer(this.#buffer(name), offset, staging, 0, padded(bytes));
    queue.submit([encoder.finish()]);
    return this.#staging.collect(staging, bytes);
  }

  /**
   * @param {Program} program
   * @returns {GPUBuffer}
   */
  #uniform({ name, shapes }) {
    const content = typeof shapes === "string" ? Uint8Array.from(atob(shapes), (c) => c.charCodeAt(0)) : new Uint8Array(shapes);
    const size = padded(content.length) + SHAPE_BYTES; // the last record may be shorter than its binding
    const buffer = this.#device.createBuffer({
      label: `shapes of ${name}`,
      size,
      usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
    });
    const whole = new Uint8Array(size);
    whole.set(content);
    this.#device.queue.writeBuffer(buffer, 0, whole);
    return buffer;
  }

  /**
   * @param {Step} step
   * @param {{ buffer: GPUBuffer, groups: Map<string, GPUBindGroup> }} shapes
   * @returns {Dispatch}
   */
  #dispatch({ kernel, slices, shape, grid }, { buffer, groups }) {
    const { pipeline, layout } = this.#pipelines.get(kernel);
    const key = `${layout.label} ${shape} ${slices.join(" ")}`;
    let group = groups.get(key);
    if (!group) {
      const bound = slices.map(([name, offset, size]) => ({ buffer: this.#buffer(name), offset, size: padded(size) }));
      const entries = [...bound, { buffer, offset: shape, size: SHAPE_BYTES }].map((resource, binding) => ({ binding, resource }));
      group = this.#device.createBindGroup({ label: kernel, layout, entries });
      groups.set(key, group);
    }
    return { pipeline, group, grid };
  }

  /**
   * @param {string} name
   * @returns {GPUBuffer}
   */
  #buffer(name) {
    const buffer = this.#buffers.get(name);
    if (!buffer) throw new DeviceError(`There is no GPU buffer named ${name}. Create it first.`);
    return buffer;
  }

  /**
   * Do something on the device, and throw what the device finds wrong with it.
   *
   * @param {string} what  for the message
   * @param {() => void} act
   */
  async #checked(what, act) {
    this.#device.pushErrorScope("out-of-memory");
    this.#device.pushErrorScope("validation");
    /** @type {Promise<(GPUError | null)[]>} */
    let found;
    try {
      act();
    } finally {
      found = Promise.all([this.#device.popErrorScope(), this.#device.popErrorScope()]);
    }
    const [invalid, full] = await found;
    if (full) throw new DeviceError(`The graphics card has no room for ${what}. Close other tabs, or choose a smaller context.`);
    if (invalid) throw new DeviceError(`The graphics card refused ${what}: ${invalid.message}`);
  }
}

/**
 * One pass over a program: dispatches in a pass run in order, and see each other's writes.
 *
 * @param {GPUCommandEncoder} encoder
 * @param {Dispatch[]} dispatches
 */
function encodePass(encoder, dispatches) {
  const pass = encoder.beginComputePass();
  /** @type {GPUComputePipeline | null} */
  let current = null;
  for (const { pipeline, group, grid } of dispatches) {
    if (pipeline !== current) pass.setPipeline((current = pipeline));
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(grid[0], grid[1], grid[2]);
  }
  pass.end();
}

/** @param {number} bytes */
function padded(bytes) {
  return Math.ceil(bytes / 4) * 4;
}
