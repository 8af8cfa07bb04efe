/** How fast a device reads weights: wgsl/measure.wgsl, run for a part of a second. */

import { Faults } from "./faults.js";
import { Pipelines } from "./pipelines.js";
import { WatchedQueue } from "./watched-queue.js";

/** @typedef {import("./pipelines.js").Kernel} Kernel */
/** @typedef {(times: number) => Promise<number>} Run  dispatches in one submit; ms until they are done */

const BUDGET_MS = 200;
const LEAST_MS = 20; // a shorter run tells more of waiting than of reading
const FEWEST_BYTES = 1 << 20; // a slow device reads so many in some ms
const MOST_BYTES = 128 << 20; // more than a GPU's caches hold; every device binds so many
const GROWTH = 4;
const WIDTH = 2048; // values in a row; ROWS is that of kernels/measure.py
const ROW_BYTES = WIDTH / 2;
const ROWS = 32;

/**
 * The best of several runs over as many bytes as the time allows.
 *
 * @param {GPUDevice} device
 * @param {Kernel} kernel  measure, of kernels.json
 * @param {() => number} [now]  a clock, in ms
 * @returns {Promise<number>} bytes per second
 */
export async function measure(device, kernel, now = () => performance.now()) {
  const bench = new Bench(device, kernel, now);
  let bytes = FEWEST_BYTES;
  let run = await bench.over(bytes);
  let spent = 0;
  let best = 0;
  for (let times = 1; spent < BUDGET_MS; ) {
    const ms = await run(times);
    spent += ms;
    if (ms > 0) best = Math.max(best, (1000 * times * bytes) / ms); // some clocks are coarse
    if (ms >= LEAST_MS || spent >= BUDGET_MS) continue; // a larger size would find no time
    if (bytes < MOST_BYTES) {
      bytes = Math.min(MOST_BYTES, bytes * GROWTH);
      run = await bench.over(bytes);
      best = 0; // what fits a cache is read faster than weights are
    } else {
      times *= GROWTH;
    }
  }
  return best;
}

class Bench {
  #device;
  #faults;
  #pipelines;
  #queue;
  #kernel;
  #now;
  /** @type {GPUBuffer[]} */
  #buffers = [];

  /**
   * @param {GPUDevice} device
   * @param {Kernel} kernel
   * @param {() => number} now
   */
  constructor(device, kernel, now) {
    this.#device = device;
    this.#faults = new Faults(device);
    this.#pipelines = new Pipelines(device);
    this.#queue = new WatchedQueue(device.queue);
    this.#kernel = kernel;
    this.#now = now;
  }

  /**
   * @param {number} bytes  of codes that each dispatch reads
   * @returns {Promise<Run>} warm: the first run of all clears the buffers
   */
  async over(bytes) {
    await this.#pipelines.compile({ measure: this.#kernel }, () => {});
    for (const buffer of this.#buffers.splice(0)) buffer.destroy();
    const rows = bytes / ROW_BYTES;
    await this.#faults.checked("a measurement of its speed", () => {
      const { STORAGE, UNIFORM, COPY_DST } = GPUBufferUsage;
      const sizes = [[bytes, STORAGE], [4 * WIDTH, STORAGE], [4 * rows, STORAGE], [8, UNIFORM]]; // codes, x, y, shape
      this.#buffers = sizes.map(([size, usage]) => this.#device.createBuffer({ size, usage: usage | COPY_DST }));
      this.#device.queue.writeBuffer(this.#buffers[1], 0, new Float32Array(WIDTH).fill(1));
      this.#device.queue.writeBuffer(this.#buffers[3], 0, new Uint32Array([WIDTH, rows]));
    });
    const { pipeline, layout } = this.#pipelines.get("measure");
    const entries = this.#buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
    const group = this.#device.createBindGroup({ layout, entries });
    /** @type {Run} */
    const run = (times) => this.#time(pipeline, group, rows / ROWS, times);
    await run(1);
    return run;
  }

  /**
   * @param {GPUComputePipeline} pipeline
   * @param {GPUBindGroup} group
   * @param {number} workgroups
   * @param {number} times
   */
  async #time(pipeline, group, workgroups, times) {
    const encoder = this.#device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    for (let count = 0; count < times; count++) pass.dispatchWorkgroups(workgroups);
    pass.end();
    const commands = encoder.finish();
    const start = this.#now();
    this.#queue.submit([commands]);
    await this.#faults.explained(this.#queue.done());
    this.#faults.check();
    return this.#now() - start;
  }
}
