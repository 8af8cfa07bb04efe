enable subgroups;
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
// A block of W as codes: scales (f32) come after the sum, or from the table's. Codes u4 offset by 8,
// eight a word, low nibble first.
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
@group(0) @binding(2) var<storage, read> codes: array<vec4u>;
@group(0) @binding(3) var<storage, read> scales: array<f32>;

fn weight_block(row: u32, block: u32, n_in: u32) -> Block {
    let c = codes[row * (n_in / BLOCK) + block];
    return Block(nibbles(c.x), nibbles(c.x >> 16u), nibbles(c.y), nibbles(c.y >> 16u),
                 nibbles(c.z), nibbles(c.z >> 16u), nibbles(c.w), nibbles(c.w >> 16u));
}

fn weight_four(row: u32, four: u32, n_in: u32) -> vec4f {
    return nibbles(codes[row * (n_in / BLOCK) + four / 8u][four / 2u % 4u] >> (16u * (four % 2u)));
}

fn weight_scale(row: u32, block: u32, n_in: u32) -> f32 { return 1.0; }
// The input of a matvec: the residual stream after a branch has joined it, h = (x + branch / rms(branch) ·
// weight) · scalar, and then h / rms(h) · weight; without a weight or a scalar each of it is left out. Every
// workgroup makes it for itself; the first one writes an h that a branch has joined to `next`, another buffer
// than x, since others still read x.
const N_IN: u32 = 128u;
// The sum of every lane's value, with one round of memory after the subgroups'. Ends on a barrier, so it can
// be called again. Each lane stores its subgroup's sum divided by the subgroup's size, which is exact: sizes
// are powers of two, and no lane need be told from the others. Then each subgroup adds up all that is stored.
var<workgroup> partial_sums: array<f32, LANES>;

fn reduce_sum(value: f32, lane: u32) -> f32 {
    let size = subgroupAdd(1u);
    partial_sums[lane] = subgroupAdd(value) / f32(size);
    workgroupBarrier();
    var own = 0.0;
    for (var i = subgroupExclusiveAdd(1u); i < LANES; i += size) { own += partial_sums[i]; }
    let sum = subgroupAdd(own);
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
// Static range quantization: codes of x on the int8 grid of a step, as floats. Ties go to even.
// WGSL lets x / grid be 2.5 ULP off: a value so near to a tie may take the neighbouring code.
fn srq_codes(x: vec4f, grid: f32) -> vec4f {
    return clamp(round(x / grid), vec4f(-128.0), vec4f(127.0));
}

// Which of the matrices a row belongs to, and so which grids.
fn matrix_of(row: u32) -> u32 { return u32(row >= shape.second_row) + u32(row >= shape.third_row); }
// What a row's weights are multiplied with: codes of x, or x itself where the grid is 0. Sums of products
// of codes are whole numbers, exact in f32 up to 2^24 in whatever order they are made.
fn input_grid(row: u32) -> f32 { return shape.input_grids[matrix_of(row)]; }

// Both are made and one is taken: a branch for each would cost more than the rounding.
fn input_four(x: vec4f, grid: f32) -> vec4f {
    return select(srq_codes(x, select(grid, 1.0, grid == 0.0)), x, grid == 0.0);
}

fn input_block(x: Block, grid: f32) -> Block {
    return Block(
        input_four(x[0], grid), input_four(x[1], grid), input_four(x[2], grid), input_four(x[3], grid),
        input_four(x[4], grid), input_four(x[5], grid), input_four(x[6], grid), input_four(x[7], grid));
}
// output: a row's value from its sum of codes: scaled, and rounded to its own grid where that is not 0.
fn output(sum: f32, row: u32) -> f32 {
    let input = shape.input_grids[matrix_of(row)];
    let grid = shape.output_grids[matrix_of(row)];
    let y = sum * (select(input, 1.0, input == 0.0) * scales[shape.w_row + row]);
    if (grid == 0.0) { return y; }
    return srq_codes(vec4f(y), grid).x * grid;
}
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
