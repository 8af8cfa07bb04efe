/**
 * Buffers that bytes are read back through, kept for the next read of about the same size.
 * @import { WatchedQueue } from "./watched-queue.js"
 */

export class Staging {
  /** @type {GPUDevice} */
  #device;
  #queue;
  /** @type {Map<number, GPUBuffer[]>} */
  #free = new Map();

  /**
   * @param {GPUDevice} device
   * @param {WatchedQueue} queue  its
   */
  constructor(device, queue) {
    this.#device = device;
    this.#queue = queue;
  }

  /**
   * @param {number} bytes
   * @returns {GPUBuffer}
   */
  borrow(bytes) {
    const size = Math.max(256, 2 ** Math.ceil(Math.log2(bytes)));
    const free = this.#free.get(size)?.pop();
    return free ?? this.#device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  }

  /**
   * Wait for the copy into `buffer`, take its bytes, and keep the buffer for the next reader.
   *
   * @param {GPUBuffer} buffer
   * @param {number} bytes
   * @returns {Promise<Uint8Array<ArrayBuffer>>}
   */
  async collect(buffer, bytes) {
    await this.#queue.until(buffer.mapAsync(GPUMapMode.READ));
    const copy = new Uint8Array(buffer.getMappedRange().slice(0, bytes));
    buffer.unmap();
    const free = this.#free.get(buffer.size) ?? [];
    this.#free.set(buffer.size, [...free, buffer]);
    return copy;
  }
}
