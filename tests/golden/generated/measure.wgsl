// measure: y = W · x for one token as matvec makes it, but of codes without scales and with no edges: how
// fast a device reads and decodes weights. For web/engine/gpu/measure.js; no plan uses it.
//   0 codes    read   [n_out, n_in / 32]  u4 offset by 8, 32 a vector, low nibble first
//   1 x        read   [n_in]
//   2 y        write  [n_out]
//   3 shape    uniform
// grid: (n_out / 32)
const LANES: u32 = 64u;
const PART: u32 = 8u;

struct Shape { n_in: u32, n_out: u32 }
@group(0) @binding(0) var<storage, read> codes: array<vec4u>;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> shape: Shape;

const QUADS: u32 = LANES / PART;  // of rows, in a workgroup
var<workgroup> partial: array<vec4f, LANES>;

// Four codes of the half word that `bits` begins with, times four values of x.
fn four(word: u32, bits: u32, values: vec4f) -> f32 {
    return dot(vec4f((vec4u(word >> bits) >> vec4u(0u, 4u, 8u, 12u)) & vec4u(15u)) - 8.0, values);
}

fn row_part(row: u32, block: u32, values: array<vec4f, 8>) -> f32 {
    let c = codes[row * (shape.n_in / 32u) + block];
    return four(c.x, 0u, values[0]) + four(c.x, 16u, values[1])
        + four(c.y, 0u, values[2]) + four(c.y, 16u, values[3])
        + four(c.z, 0u, values[4]) + four(c.z, 16u, values[5])
        + four(c.w, 0u, values[6]) + four(c.w, 16u, values[7]);
}

@compute @workgroup_size(LANES)
fn measure(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let first = group.x * QUADS * 4u;
    let row = first + lane / PART * 4u;
    var sums = vec4f();
    for (var block = lane % PART; block * 32u < shape.n_in; block += PART) {
        let at = block * 8u;
        let values = array<vec4f, 8>(x[at], x[at + 1u], x[at + 2u], x[at + 3u],
                                     x[at + 4u], x[at + 5u], x[at + 6u], x[at + 7u]);
        sums += vec4f(row_part(row, block, values), row_part(row + 1u, block, values),
                      row_part(row + 2u, block, values), row_part(row + 3u, block, values));
    }
    partial[lane] = sums;
    workgroupBarrier();
    if (lane < QUADS * 4u) {
        var sum = 0.0;
        for (var part = 0u; part < PART; part++) { sum += partial[lane / 4u * PART + part][lane % 4u]; }
        y[first + lane] = sum;
    }
}
