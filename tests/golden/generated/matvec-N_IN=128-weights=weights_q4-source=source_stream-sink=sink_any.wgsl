// matvec: y = W · x for one token, with what comes before the matrix (source) and after it (sink).
// A workgroup has LANES / PART quads of rows. PART lanes share a quad: each takes every PART-th block of
// x, kept in registers for the four rows, and their sums are added up at the end. Workgroups fold over x
// and y: a vocabulary has more than one dimension's 65535.
//   x          read   [n_in], or the residual stream
//   y          write  [first + n_out]
//   W          read   [w_row + rows, n_in], encoded: codes and scales, or values
//   branch, vectors, next, inputs: see the source and the sink
//   shape      uniform
// grid: (n_out / outputs of a workgroup), folded
const LANES: u32 = 64u;
const PART: u32 = 8u;
// The words of a step that multiplies with a matrix. Rows of W begin at w_row of what is bound; offsets
// into `vectors` count vectors of four, or are NO_VECTOR. Packed weights may be of several matrices, one after
// the other, each with grids of its own: the second begins at second_row, the third at third_row.
const NO_VECTOR: u32 = 0xffffffffu;
struct Shape {
    n_in: u32, n_out: u32, w_row: u32,
    first: u32, stride: u32,  // y's column for row 0, and y's columns in all
    eps: f32, norm: u32, post_norm: u32, scalar: u32,  // of what comes before the matrix: see the source
    first_input: u32, cap: f32,  // of what comes after it
    second_row: u32, input_grids: vec3f, third_row: u32, output_grids: vec3f,  // of packed weights alone
    sink: u32,  // what comes after the matrix
}
// A block of W: codes u4 offset by 8, eight a word, low nibble first; an f16 scale for each.
// A block: 32 neighbours of a row as eight vectors, small enough to stay in registers.
const BLOCK: u32 = 32u;
alias Block = array<vec4f, 8>;

fn dot_block(a: Block, b: Block) -> f32 {
    return dot(a[0], b[0]) + dot(a[1], b[1]) + dot(a[2], b[2]) + dot(a[3], b[3])
        + dot(a[4], b[4]) + dot(a[5], b[5]) + dot(a[6], b[6]) + dot(a[7], b[7]);
}
// Half a word as four u4 codes offset by 8, low nibble first.
fn nibbles(word: u32) -> vec4f {
    return vec4f((vec4u(word) >> vec4u(0u, 4u, 8u, 12u)) & vec4u(15u)) - 8.0;
}
// Two f16 in a word, without the shader-f16 feature.
alias Half2 = u32;
fn unpack_half(word: Half2) -> vec2f { return unpack2x16float(word); }
@group(0) @binding(2) var<storage, read> codes: array<vec4u>;
@group(0) @binding(3) var<storage, read> scales: array<Half2>;

fn weight_block(row: u32, block: u32, n_in: u32) -> Block {
    let c = codes[row * (n_in / BLOCK) + block];
    return Block(nibbles(c.x), nibbles(c.x >> 16u), nibbles(c.y), nibbles(c.y >> 16u),
                 nibbles(c.z), nibbles(c.z >> 16u), nibbles(c.w), nibbles(c.w >> 16u));
}

fn weight_four(row: u32, four: u32, n_in: u32) -> vec4f {
    return nibbles(codes[row * (n_in / BLOCK) + four / 8u][four / 2u % 4u] >> (16u * (four % 2u)));
}

fn weight_scale(row: u32, block: u32, n_in: u32) -> f32 {
    let at = row * (n_in / BLOCK) + block;
    return unpack_half(scales[at / 2u])[at & 1u];
}
// The input of a matvec: the residual stream after a branch has joined it, h = (x + branch / rms(branch) ·
// weight) · scalar, and then h / rms(h) · weight; without a weight or a scalar each of it is left out. Every
// workgroup makes it for itself; the first one writes an h that a branch has joined to `next`, another buffer
// than x, since others still read x.
const N_IN: u32 = 128u;
// The sum of every lane's value, the same in all lanes. Ends on a barrier, so it can be called again.
var<workgroup> partial_sums: array<f32, LANES>;

fn reduce_sum(value: f32, lane: u32) -> f32 {
    partial_sums[lane] = value;
    workgroupBarrier();
    for (var half = LANES / 2u; half > 0u; half >>= 1u) {
        if (lane < half) { partial_sums[lane] += partial_sums[lane + half]; }
        workgroupBarrier();
    }
    let sum = partial_sums[0];
    workgroupBarrier();
    return sum;
}
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(4) var<storage, read> branch: array<vec4f>;
@group(0) @binding(5) var<storage, read> vectors: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> next: array<vec4f>;
const FOURS: u32 = N_IN / 4u;
const TURNS: u32 = (FOURS + LANES - 1u) / LANES;
const WHOLE: bool = FOURS % LANES == 0u;
var<workgroup> staged: array<vec4f, FOURS>;

fn own_four(lane: u32, turn: u32) -> u32 {
    if (WHOLE) { return lane + turn * LANES; }
    return min(lane + turn * LANES, FOURS - 1u);
}

fn is_own(lane: u32, turn: u32) -> bool { return WHOLE || lane + turn * LANES < FOURS; }

fn factor_of(squares: f32, lane: u32) -> f32 {
    return inverseSqrt(reduce_sum(squares, lane) / f32(N_IN) + shape.eps);
}

// A lane's turns are known to the compiler, which then has a loop's loads wait for memory together. The branch
// times its weight waits in `staged` for its factor, in place of a second load of both.
fn prepare(lane: u32, first_group: bool) {
    let joins = shape.post_norm != NO_VECTOR;
    var squares = 0.0;
    var factor = 0.0;
    if (joins) {
        for (var i = 0u; i < TURNS; i++) {
            let at = own_four(lane, i);
            let four = branch[at];
            let weight = vectors[shape.post_norm + at];
            if (is_own(lane, i)) {
                squares += dot(four, four);
                staged[at] = four * weight;
            }
        }
        factor = factor_of(squares, lane);
    }
    var scale = 1.0;
    if (shape.scalar != NO_VECTOR) { scale = vectors[shape.scalar].x; }
    squares = 0.0;
    for (var i = 0u; i < TURNS; i++) {
        let at = own_four(lane, i);
        var h = x[at];
        if (is_own(lane, i)) {
            if (joins) {
                h = (h + staged[at] * factor) * scale;
                if (first_group) { next[at] = h; }
            }
            squares += dot(h, h);
            staged[at] = h;
        }
    }
    if (shape.norm != NO_VECTOR) {
        factor = factor_of(squares, lane);
        for (var i = 0u; i < TURNS; i++) {
            let at = own_four(lane, i);
            let weight = vectors[shape.norm + at];
            if (is_own(lane, i)) { staged[at] *= factor * weight; }
        }
    }
    workgroupBarrier();
}

fn source_block(block: u32) -> Block {
    let at = block * (BLOCK / 4u);
    return Block(staged[at], staged[at + 1u], staged[at + 2u], staged[at + 3u],
                 staged[at + 4u], staged[at + 5u], staged[at + 6u], staged[at + 7u]);
}
// What a row's weights are multiplied with: x as it is.
fn input_grid(row: u32) -> f32 { return 0.0; }
fn input_four(x: vec4f, _grid: f32) -> vec4f { return x; }
fn input_block(x: Block, _grid: f32) -> Block { return x; }
// output: a row's value from its sum of products: the sum.
fn output(sum: f32, _row: u32) -> f32 { return sum; }
// What becomes of a matvec's sums, as the step's `sink` says: one text, since a page's start waits for each
// that is compiled.
//   PLAIN    a value of y each
//   GATED    half of a workgroup's quads are of the gate, half of up, whose rows follow the gate's: gelu(gate) · up
//   PLE      gelu of each, times the per-layer input of its column of y
//   SOFTCAP  cap · tanh(sum / cap), clamped as in gelu; NOT_A_LOGIT of what is not finite
// gelu in its tanh form. tanh's argument is clamped because that of large numbers is NaN on some devices, and
// is ±1 in f32 from 10 on.
fn clamped_tanh(x: f32) -> f32 { return tanh(clamp(x, -10.0, 10.0)); }
fn gelu_inner(x: f32) -> f32 { return 0.7978845608028654 * (x + 0.044715 * x * x * x); }
fn gelu(x: f32) -> f32 { return 0.5 * x * (1.0 + clamped_tanh(gelu_inner(x))); }
// Whether a float is a number and no infinity, by its bits: WGSL lets a compiler take it that others do not occur, so
// comparisons tell nothing. NOT_A_LOGIT stands for what is not, so that no later clamp makes a number of it.
const NOT_A_LOGIT: f32 = 3.0e38;  // farther than any logit
fn is_finite(x: f32) -> bool { return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u; }
const PLAIN: u32 = 0u;
const GATED: u32 = 1u;
const PLE: u32 = 2u;
const SOFTCAP: u32 = 3u;
@group(0) @binding(7) var<storage, read> inputs: array<f32>;
const HALF: u32 = QUADS / 2u;

fn outputs() -> u32 { return select(4u, 2u, shape.sink == GATED); }  // of a quad's rows

fn row_of(quad: u32) -> u32 {
    if (shape.sink != GATED) { return quad * 4u; }
    return (quad / QUADS * HALF + quad % HALF) * 4u + quad % QUADS / HALF * shape.n_out;
}

fn finish(i: u32, row: u32) -> f32 {
    let y = output(sum_of(i), row);
    if (shape.sink == PLAIN) { return y; }
    let caps = shape.sink == SOFTCAP;
    var inner = y / shape.cap;
    if (!caps) { inner = gelu_inner(y); }
    let bent = clamped_tanh(inner);
    if (caps) { return select(NOT_A_LOGIT, shape.cap * bent, is_finite(y)); }
    var by = 0.0;
    if (shape.sink == PLE) {
        by = inputs[shape.first_input + shape.first + row];
    } else {
        by = output(sum_of(i + HALF * 4u), row + shape.n_out);
    }
    return 0.5 * y * (1.0 + bent) * by;
}

@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(8) var<uniform> shape: Shape;

const QUADS: u32 = LANES / PART;  // of rows, in a workgroup; a quad's are of one matrix
var<workgroup> partial: array<vec4f, LANES>;

fn row_part(row: u32, block: u32, x: Block) -> f32 {
    let at = shape.w_row + row;
    return dot_block(weight_block(at, block, shape.n_in), x) * weight_scale(at, block, shape.n_in);
}

// The sum of the workgroup's i-th row.
fn sum_of(i: u32) -> f32 {
    var sum = 0.0;
    for (var part = 0u; part < PART; part++) { sum += partial[i / 4u * PART + part][i % 4u]; }
    return sum;
}

@compute @workgroup_size(LANES)
fn matvec(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
          @builtin(local_invocation_index) lane: u32) {
    let number = group.x + group.y * groups.x;
    let count = QUADS * outputs();
    let first = number * count;
    if (first >= shape.n_out) { return; }  // all lanes leave together
    prepare(lane, number == 0u);
    let row = row_of(number * QUADS + lane / PART);
    let grid = input_grid(row);
    var sums = vec4f();
    for (var block = lane % PART; block * BLOCK < shape.n_in; block += PART) {
        let x = input_block(source_block(block), grid);
        sums += vec4f(row_part(row, block, x), row_part(row + 1u, block, x),
                      row_part(row + 2u, block, x), row_part(row + 3u, block, x));
    }
    partial[lane] = sums;
    workgroupBarrier();
    for (var i = lane; i < count; i += LANES) {
        if (first + i < shape.n_out) { y[shape.first + first + i] = finish(i, first + i); }
    }
}
