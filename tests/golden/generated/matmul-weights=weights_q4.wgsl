// matmul: y = x · Wᵀ for a chunk of tokens.
// A workgroup makes a tile of TOKENS by ROWS; each of its lanes 8 tokens by 8 rows, in registers. Both
// operands go through workgroup memory a block of 32 columns at a time, weights decoded once on the way.
//   x          read   [tokens, n_in]
//   y          write  [tokens, stride], columns first … first + n_out
//   W          read   [w_row + n_out, n_in], encoded: codes and scales, or values
//   state      read
//   shape      uniform
// grid: (n_out / ROWS, tokens / TOKENS)
const TOKENS: u32 = 64u;
const ROWS: u32 = 64u;
// The words that change from token to token: see contracts/state.py.
struct State {
    position: u32,
    tokens: u32,
    written: u32,
    seed: u32,
    top_k: u32,
    temperature: f32,
    top_p: f32,
    capacity: u32,
}
// The words of a step that multiplies with a matrix. Rows of W begin at w_row of what is bound; offsets
// into `vectors` count vectors of four, or are NO_VECTOR. Packed weights may be of several matrices, one after
// the other, each with grids of its own: the second begins at second_row, the third at third_row.
const NO_VECTOR: u32 = 0xffffffffu;
struct Shape {
    n_in: u32, n_out: u32, w_row: u32,
    first: u32, stride: u32,  // y's column for row 0, and y's columns in all
    eps: f32, norm: u32, post_norm: u32, scalar: u32,  // of what comes before the matrix
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

fn weight_scale(row: u32, block: u32, n_in: u32) -> f32 {
    let at = row * (n_in / BLOCK) + block;
    return unpack_half(scales[at / 2u])[at & 1u];
}
// A token's row of x: four neighbours, and a block.
@group(0) @binding(0) var<storage, read> x: array<vec4f>;

fn x_four(token: u32, four: u32, n_in: u32) -> vec4f { return x[token * (n_in / 4u) + four]; }

fn x_block(token: u32, block: u32, n_in: u32) -> Block {
    let at = (token * n_in + block * BLOCK) / 4u;
    return Block(x[at], x[at + 1u], x[at + 2u], x[at + 3u], x[at + 4u], x[at + 5u], x[at + 6u], x[at + 7u]);
}
// What a row's weights are multiplied with: x as it is.
fn input_grid(row: u32) -> f32 { return 0.0; }
fn input_four(x: vec4f, _grid: f32) -> vec4f { return x; }
fn input_block(x: Block, _grid: f32) -> Block { return x; }
// output: a row's value from its sum of products: the sum.
fn output(sum: f32, _row: u32) -> f32 { return sum; }

@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read> state: State;
@group(0) @binding(5) var<uniform> shape: Shape;

const LANES: u32 = TOKENS / 8u * ROWS / 8u;
const EIGHTHS: u32 = ROWS / 8u;
var<workgroup> x_tile: array<vec4f, BLOCK * TOKENS / 4u>;  // [column][token / 4], four tokens a vector
var<workgroup> w_tile: array<vec4f, BLOCK * ROWS / 4u>;  // [column][row / 4]

fn put_x(column: u32, token: u32, four: vec4f) {
    let at = (column * TOKENS + token) / 4u;
    x_tile[at][token % 4u] = four.x;
    x_tile[at + TOKENS / 4u][token % 4u] = four.y;
    x_tile[at + TOKENS / 2u][token % 4u] = four.z;
    x_tile[at + TOKENS / 4u * 3u][token % 4u] = four.w;
}

fn put_w(column: u32, row: u32, four: vec4f) {
    let at = (column * ROWS + row) / 4u;
    w_tile[at][row % 4u] = four.x;
    w_tile[at + ROWS / 4u][row % 4u] = four.y;
    w_tile[at + ROWS / 2u][row % 4u] = four.z;
    w_tile[at + ROWS / 4u * 3u][row % 4u] = four.w;
}

fn outer(w: vec4f, x: vec4f) -> mat4x4f { return mat4x4f(w * x.x, w * x.y, w * x.z, w * x.w); }

@compute @workgroup_size(LANES)
fn matmul(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let first_token = group.y * TOKENS;
    let first_out = group.x * ROWS;
    if (first_token >= state.tokens) { return; }  // the same for the whole workgroup
    let grid = input_grid(first_out);  // a tile's rows are of one matrix
    let own_token = lane / EIGHTHS * 8u;
    let own_row = lane % EIGHTHS * 8u;
    var sums_00 = mat4x4f();  // tokens 0 … 3 of the lane's eight by its rows 0 … 3, a column a token
    var sums_01 = mat4x4f();  // tokens 0 … 3 by rows 4 … 7
    var sums_10 = mat4x4f();
    var sums_11 = mat4x4f();
    for (var block = 0u; block * BLOCK < shape.n_in; block++) {
        for (var i = lane; i < TOKENS; i += LANES) {
            var x = Block();
            if (first_token + i < state.tokens) { x = input_block(x_block(first_token + i, block, shape.n_in), grid); }
            for (var j = 0u; j < BLOCK / 4u; j++) { put_x(4u * j, i, x[j]); }
        }
        for (var i = lane; i < ROWS; i += LANES) {
            let row = shape.w_row + first_out + i;  // what is past the end is made, and not written
            var w = weight_block(row, block, shape.n_in);
            let scale = weight_scale(row, block, shape.n_in);
            for (var j = 0u; j < BLOCK / 4u; j++) { put_w(4u * j, i, w[j] * scale); }
        }
        workgroupBarrier();
        for (var column = 0u; column < BLOCK; column++) {
            let at_x = (column * TOKENS + own_token) / 4u;
            let at_w = (column * ROWS + own_row) / 4u;
            let x_0 = x_tile[at_x];
            let x_1 = x_tile[at_x + 1u];
            let w_0 = w_tile[at_w];
            let w_1 = w_tile[at_w + 1u];
            sums_00 += outer(w_0, x_0);
            sums_01 += outer(w_1, x_0);
            sums_10 += outer(w_0, x_1);
            sums_11 += outer(w_1, x_1);
        }
        workgroupBarrier();
    }
    var sums = array<mat4x4f, 4>(sums_00, sums_01, sums_10, sums_11);
    for (var i = 0u; i < 64u; i++) {
        let token = first_token + own_token + i / 8u;
        let row = first_out + own_row + i % 8u;
        if (token < state.tokens && row < shape.n_out) {
            let sum = sums[i / 32u * 2u + i % 8u / 4u][i / 8u % 4u][i % 4u];
            y[token * shape.stride + shape.first + row] = output(sum, row);
        }
    }
}
