/**
 * The GPU's end: buffers by name, and programs that Python planned, replayed with no Python in between.
 * The one JavaScript file of the hot path: `replay` runs once for a batch of tokens.
 */

import { deviceFacts, FEATURES, findAdapter, openDevice, WGSL_FEATURES } from "./adapter.js";
import { DeviceError } from "../errors.js";
import { Faults } from "./faults.js";
import { Pipelines } from "./pipelines.js";
import { padded, Programs } from "./programs.js";
import { Staging } from "./staging.js";
import { WatchedQueue } from "./watched-queue.js";

/** @typedef {import("./programs.js").Dispatch} Dispatch */
/** @typedef {import("./pipelines.js").Kernel} Kernel */

const STAMPS = "timestamps";

export class Gpu {
  #adapter;
  #device;
  #faults;
  #pipelines;
  #programs;
  #staging;
  #queue;
  /** @type {Map<string, GPUBuffer>} */
  #buffers = new Map();
  /** @type {Promise<void>[]} */
  #checks = [];
  /** @type {{ queries: GPUQuerySet, resolved: GPUBuffer } | null} */
  #stamps = null;

  /**
   * @param {GPUAdapter} adapter
   * @param {GPUDevice} device
   */
  constructor(adapter, device) {
    this.#adapter = adapter;
    this.#device = device;
    this.#faults = new Faults(device);
    this.#pipelines = new Pipelines(device);
    this.#programs = new Programs(device, this.#pipelines, (name) => this.#buffer(name));
    this.#queue = new WatchedQueue(device.queue);
    this.#staging = new Staging(device, this.#queue);
  }

  /**
   * @param {GPURequestAdapterOptions} [adapterOptions]
   * @param {(message: string) => void} [onLost]
   */
  static async create(adapterOptions, onLost = () => {}) {
    const adapter = await findAdapter(adapterOptions);
    const gpu = new Gpu(adapter, await openDevice(adapter));
    gpu.#faults.lost.then(onLost);
    return gpu;
  }

  /** @returns {string} JSON {adapter, features, limits, wgslFeatures} */
  facts() {
    return JSON.stringify(deviceFacts(this.#adapter, this.#device));
  }

  /** @returns {string[]} those that kernels have forms for, sorted */
  features() {
    const language = /** @type {ReadonlySet<string>} */ (navigator.gpu.wgslLanguageFeatures ?? new Set());
    const features = FEATURES.filter((name) => this.#device.features.has(name));
    return [...features, ...WGSL_FEATURES.filter((name) => language.has(name))].sort();
  }

  /**
   * A new buffer, zeroed; it takes the place of one of the same name in the programs that use that.
   * Whether it fitted shows at the next `settled`, `prepare` or `read`.
   *
   * @param {string} name
   * @param {number} bytes
   * @param {string} role  weight | cache | state | scratch
   */
  createBuffer(name, bytes, role) {
    this.#programs.release(name);
    this.#buffers.get(name)?.destroy(); // the device keeps it until the work submitted before is done
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
    const mib = Math.ceil(bytes / 2 ** 20);
    const check = this.#faults.checked(`a ${role} buffer of ${mib} MiB (${name})`, () => {
      this.#buffers.set(name, this.#device.createBuffer({ label: name, size: Math.max(4, padded(bytes)), usage }));
    });
    check.catch(() => {}); // `settled` reports it
    this.#checks.push(check);
  }

  /**
   * Let go of a buffer, once the work that was submitted is done.
   *
   * @param {string} name
   */
  releaseBuffer(name) {
    this.#programs.release(name);
    this.#buffer(name).destroy();
    this.#buffers.delete(name);
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
    this.#queue.submit([encoder.finish()]);
  }

  /** Throws what went wrong in creating buffers, if something did. */
  async settled() {
    await Promise.all(this.#checks.splice(0));
  }

  /**
   * @param {Record<string, Kernel>} kernels
   * @param {(done: number, total: number) => void} [onProgress]
   */
  compile(kernels, onProgress = () => {}) {
    return this.#faults.explained(this.#pipelines.compile(kernels, onProgress));
  }

  /**
   * Begin to compile what will soon be asked for. What fails is told then.
   *
   * @param {Record<string, Kernel>} kernels
   */
  async compileAhead(kernels) {
    await this.#pipelines.compile(kernels, () => {}).catch(() => {});
  }

  /**
   * Build a program's bind groups. A program of the same name is replaced.
   *
   * @param {string} programJson  a Program
   */
  async prepare(programJson) {
    const program = JSON.parse(programJson);
    await this.settled();
    await this.#faults.checked(`the program ${program.name}`, () => this.#programs.prepare(program));
  }

  /** @param {string} program  that will not run again, if there is one */
  forget(program) {
    this.#programs.forget(program);
  }

  /** @param {Set<string>} names  of kernels that will still be wanted */
  keepKernels(names) {
    this.#pipelines.keep(names);
  }

  /**
   * Run a program `times` times in one submit, then read a range back.
   *
   * @param {string} name
   * @param {number} times
   * @param {string} readBuffer
   * @param {number} readOffset
   * @param {number} readBytes  0 waits for the GPU and reads nothing
   * @param {number} [first]  step of each run
   * @param {number} [last]  one past the last step
   * @returns {Promise<Uint8Array<ArrayBuffer>>}
   */
  async replay(name, times, readBuffer = "", readOffset = 0, readBytes = 0, first = 0, last) {
    return this.#submitAndRead(`the program ${name}`, readBuffer, readOffset, readBytes, (encoder) => {
      const dispatches = this.#programs.get(name).slice(first, last);
      for (let run = 0; run < times; run++) encodePass(encoder, dispatches);
    });
  }

  /**
   * Run a part of one dispatch in a submit of its own, then read a range back.
   *
   * @param {string} name
   * @param {string} partJson  a Part
   * @param {string} readBuffer
   * @param {number} readOffset
   * @param {number} readBytes  0 waits for the GPU and reads nothing
   * @returns {Promise<Uint8Array<ArrayBuffer>>}
   */
  async replayPart(name, partJson, readBuffer = "", readOffset = 0, readBytes = 0) {
    return this.#programs.part(name, JSON.parse(partJson), (dispatch) =>
      this.#submitAndRead(`the program ${name}`, readBuffer, readOffset, readBytes, (encoder) => encodePass(encoder, [dispatch])),
    );
  }

  /**
   * Seconds that one submit of so many runs takes: the GPU's own where it tells, else the clock's.
   *
   * @param {string} name
   * @param {number} times
   * @returns {Promise<number>}
   */
  async seconds(name, times) {
    const start = performance.now();
    if (!this.#device.features.has("timestamp-query")) {
      await this.replay(name, times);
      return (performance.now() - start) / 1000;
    }
    const { COPY_DST, COPY_SRC, QUERY_RESOLVE } = GPUBufferUsage;
    this.#stamps ??= {
      queries: this.#device.createQuerySet({ type: "timestamp", count: 2 }),
      resolved: this.#device.createBuffer({ label: STAMPS, size: 16, usage: QUERY_RESOLVE | COPY_SRC | COPY_DST }),
    };
    const { queries, resolved } = this.#stamps;
    this.#buffers.set(STAMPS, resolved);
    const found = await this.#submitAndRead(`the program ${name}`, STAMPS, 0, 16, (encoder) => {
      const dispatches = this.#programs.get(name);
      const all = Array.from({ length: times }, () => dispatches).flat();
      encodePass(encoder, all, { querySet: queries, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 });
      encoder.resolveQuerySet(queries, 0, 2, resolved, 0);
    });
    const [begun, ended] = new BigUint64Array(found.buffer, found.byteOffset, 2);
    const nanoseconds = Number(ended - begun);
    return nanoseconds > 0 ? nanoseconds / 1e9 : (performance.now() - start) / 1000; // stamps are coarse
  }

  /**
   * @param {string} name
   * @param {number} offset  a multiple of 4
   * @param {number} bytes
   * @returns {Promise<Uint8Array<ArrayBuffer>>}
   */
  async read(name, offset, bytes) {
    await this.settled();
    return this.#submitAndRead(`a read of ${name}`, name, offset, bytes);
  }

  /**
   * Encode, submit and read in one go. The scope around it costs 0.03 ms in Chromium.
   *
   * @param {string} what  for the message
   * @param {string} name
   * @param {number} offset
   * @param {number} bytes
   * @param {(encoder: GPUCommandEncoder) => void} [encode]
   * @returns {Promise<Uint8Array<ArrayBuffer>>}
   */
  async #submitAndRead(what, name, offset, bytes, encode = () => {}) {
    const staging = bytes ? this.#staging.borrow(padded(bytes)) : null;
    const checked = this.#faults.checked(what, () => {
      const encoder = this.#device.createCommandEncoder();
      encode(encoder);
      if (staging) encoder.copyBufferToBuffer(this.#buffer(name), offset, staging, 0, padded(bytes));
      this.#queue.submit([encoder.finish()]);
    });
    const done = staging ? this.#staging.collect(staging, bytes) : this.#queue.done().then(() => new Uint8Array(0));
    const [found] = await this.#faults.explained(Promise.all([done, checked]));
    this.#faults.check();
    return found;
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
}

/**
 * One pass over a program: dispatches in a pass run in order, and see each other's writes.
 *
 * @param {GPUCommandEncoder} encoder
 * @param {Dispatch[]} dispatches
 * @param {GPUComputePassTimestampWrites} [timestampWrites]
 */
function encodePass(encoder, dispatches, timestampWrites) {
  const pass = encoder.beginComputePass({ timestampWrites });
  /** @type {GPUComputePipeline | null} */
  let current = null;
  for (const { pipeline, group, grid } of dispatches) {
    if (pipeline !== current) pass.setPipeline((current = pipeline));
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(grid[0], grid[1], grid[2]);
  }
  pass.end();
}
