/** Programs that Python planned, with their bind groups: what a replay encodes. */

import { DeviceError } from "../errors.js";

/** @typedef {import("./pipelines.js").Pipelines} Pipelines */
/** @typedef {[buffer: string, offset: number, bytes: number]} Slice */
/** @typedef {{ kernel: string, slices: Slice[], shape: number, grid: [number, number, number] }} Step  shape: its byte offset */
/** @typedef {{ name: string, shapes: string | number[], steps: Step[] }} Program  shapes: the uniform buffer's bytes, as base64 or numbers */
/** @typedef {{ step: number, shape: number[], grid: [number, number, number] }} Part  of a step's dispatch: its own shape words and grid */
/** @typedef {{ pipeline: GPUComputePipeline, group: GPUBindGroup, grid: [number, number, number] }} Dispatch */
/** @typedef {{ program: Program, shapes: GPUBuffer, dispatches: Dispatch[] | null }} Prepared  dispatches: null when a buffer has changed */

const SHAPE_BYTES = 128;

export class Programs {
  #device;
  #pipelines;
  #bufferOf;
  /** @type {Map<string, Prepared>} */
  #prepared = new Map();

  /**
   * @param {GPUDevice} device
   * @param {Pipelines} pipelines
   * @param {(name: string) => GPUBuffer} bufferOf
   */
  constructor(device, pipelines, bufferOf) {
    this.#device = device;
    this.#pipelines = pipelines;
    this.#bufferOf = bufferOf;
  }

  /**
   * Make a program's bind groups. A program of the same name is replaced.
   *
   * @param {Program} program
   */
  prepare(program) {
    this.forget(program.name);
    const shapes = this.#uniform(program);
    this.#prepared.set(program.name, { program, shapes, dispatches: this.#bind(program, shapes) });
  }

  /**
   * Let go of a program, once the work that was submitted is done.
   *
   * @param {string} name
   */
  forget(name) {
    this.#prepared.get(name)?.shapes.destroy();
    this.#prepared.delete(name);
  }

  /**
   * @param {string} name
   * @returns {Dispatch[]}
   */
  get(name) {
    const prepared = this.#prepared.get(name);
    if (!prepared) throw new DeviceError(`The program ${name} was not prepared. Prepare it before replaying it.`);
    return (prepared.dispatches ??= this.#bind(prepared.program, prepared.shapes));
  }

  /**
   * Submit a part of a dispatch. The step's own shape words come back after it, in the queue's order.
   *
   * @template T
   * @param {string} name
   * @param {Part} part
   * @param {(dispatch: Dispatch) => T} submit  before it returns
   * @returns {T}
   */
  part(name, { step, shape, grid }, submit) {
    const { pipeline, group } = this.get(name)[step];
    const { program, shapes } = /** @type {Prepared} */ (this.#prepared.get(name));
    const place = program.steps[step].shape;
    const own = contentOf(program).slice(place, place + SHAPE_BYTES);
    this.#device.queue.writeBuffer(shapes, place, new Uint32Array(shape));
    try {
      return submit({ pipeline, group, grid });
    } finally {
      this.#device.queue.writeBuffer(shapes, place, own);
    }
  }

  /**
   * Let go of the bind groups that hold a buffer: they are made anew when they are next wanted.
   *
   * @param {string} buffer
   */
  release(buffer) {
    for (const prepared of this.#prepared.values()) {
      const holds = prepared.program.steps.some((step) => step.slices.some(([name]) => name === buffer));
      if (holds) prepared.dispatches = null;
    }
  }

  /**
   * @param {Program} program
   * @param {GPUBuffer} shapes
   * @returns {Dispatch[]}
   */
  #bind({ steps }, shapes) {
    /** @type {Map<string, GPUBindGroup>} */
    const groups = new Map();
    return steps.map(({ kernel, slices, shape, grid }) => {
      const { pipeline, layout } = this.#pipelines.get(kernel);
      const key = `${layout.label} ${shape} ${slices.join(" ")}`;
      const group = groups.get(key) ?? this.#group(kernel, layout, slices, { buffer: shapes, offset: shape, size: SHAPE_BYTES });
      groups.set(key, group);
      return { pipeline, group, grid };
    });
  }

  /**
   * @param {string} label
   * @param {GPUBindGroupLayout} layout
   * @param {Slice[]} slices
   * @param {GPUBufferBinding} shape
   */
  #group(label, layout, slices, shape) {
    const bound = slices.map(([name, offset, size]) => ({ buffer: this.#bufferOf(name), offset, size: padded(size) }));
    const entries = [...bound, shape].map((resource, binding) => ({ binding, resource }));
    return this.#device.createBindGroup({ label, layout, entries });
  }

  /**
   * @param {Program} program
   * @returns {GPUBuffer}
   */
  #uniform(program) {
    const content = contentOf(program);
    const size = padded(content.length) + SHAPE_BYTES; // the last record may be shorter than its binding
    const buffer = this.#device.createBuffer({
      label: `shapes of ${program.name}`,
      size,
      usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
    });
    const whole = new Uint8Array(size);
    whole.set(content);
    this.#device.queue.writeBuffer(buffer, 0, whole);
    return buffer;
  }
}

/** @param {Program} program */
function contentOf({ shapes }) {
  return typeof shapes === "string" ? Uint8Array.from(atob(shapes), (c) => c.charCodeAt(0)) : new Uint8Array(shapes);
}

/** @param {number} bytes */
export function padded(bytes) {
  return Math.ceil(bytes / 4) * 4;
}
