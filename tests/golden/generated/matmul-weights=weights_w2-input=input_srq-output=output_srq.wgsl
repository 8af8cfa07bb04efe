// matmul: y = x · Wᵀ for a chunk of tokens.
// A workgroup makes a tile of TILE tokens by TILE rows of W; 64 invocations make 4 × 4 each. Both
// operands go through workgroup memory DEPTH columns at a time, weights decoded once on the way.
//   0 x        read   [tokens, n_in]
//   1 y        write  [tokens, stride], columns first_row … first_row + n_out
//   2 state    read
//   3 … W      read   [n_out, n_in], encoded
//   last shape uniform
// grid: (n_out / TILE, tokens / TILE)
const TILE: u32 = 32u;
const DEPTH: u32 = 16u;
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
// weight4: four neighbours of a row, as codes: scales (f32) come after the sum, or from table4.
// Codes u2 offset by 2, sixteen a word, low bits first.
@group(0) @binding(3) var<storage, read> codes: array<u32>;
@group(0) @binding(4) var<storage, read> scales: array<f32>;

fn weight4(row: u32, column: u32, n_in: u32) -> vec4f {
    let at = row * n_in + column;
    let pairs = codes[at / 16u] >> ((at & 12u) * 2u);
    return vec4f(vec4u(pairs, pairs >> 2u, pairs >> 4u, pairs >> 6u) & vec4u(3u)) - 2.0;
}
// x4: four neighbours of row `row` of x, from `column` on, zero past its end.
fn x4(row: u32, column: u32, n_in: u32) -> vec4f {
    let at = row * n_in + column;
    if (column + 4u <= n_in) { return vec4f(x[at], x[at + 1u], x[at + 2u], x[at + 3u]); }
    var four = vec4f(x[at], 0.0, 0.0, 0.0);
    if (column + 1u < n_in) { four.y = x[at + 1u]; }
    if (column + 2u < n_in) { four.z = x[at + 2u]; }
    return four;
}
// Static range quantization: codes of x on the int8 grid of a step, as floats. Ties go to even.
// WGSL lets x / grid be 2.5 ULP off: a value so near to a tie may take the neighbouring code.
fn srq_codes(x: vec4f, grid: f32) -> vec4f {
    return clamp(round(x / grid), vec4f(-128.0), vec4f(127.0));
}
// input4: what the weights are multiplied with: codes of x, or x itself where the grid is 0. Sums of
// products of codes are whole numbers, exact in f32 up to 2^24 in whatever order they are made.
fn input4(x: vec4f) -> vec4f {
    if (shape.input_grid == 0.0) { return x; }
    return srq_codes(x, shape.input_grid);
}
// output: a row's value from its sum of codes: scaled, and rounded to its own grid where that is not 0.
fn output(sum: f32, row: u32) -> f32 {
    let input_grid = select(shape.input_grid, 1.0, shape.input_grid == 0.0);
    let y = sum * (input_grid * scales[row]);
    if (shape.output_grid == 0.0) { return y; }
    return srq_codes(vec4f(y), shape.output_grid).x * shape.output_grid;
}

struct Shape {
    n_in: u32, n_out: u32, first_row: u32, stride: u32,
    input_grid: f32, output_grid: f32,  // of packed weights alone
}
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read> state: State;
@group(0) @binding(5) var<uniform> shape: Shape;

const QUADS: u32 = TILE / 4u;
var<workgroup> x_tile: array<vec4f, DEPTH * QUADS>;  // [column][token / 4], four tokens a vector
var<workgroup> w_tile: array<vec4f, DEPTH * QUADS>;  // [column][row / 4], four rows a vector

@compute @workgroup_size(64)
fn matmul(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let first_token = group.y * TILE;
    let first_out = group.x * TILE;
    if (first_token >= state.tokens) { return; }  // the same for the whole workgroup
    let token_quad = lane / 8u;
    let row_quad = lane % 8u;
    var sums = array<vec4f, 4>();
    for (var start = 0u; start < shape.n_in; start += DEPTH) {
        // TILE × DEPTH values each, four columns of one token or row at a time
        for (var part = lane; part < TILE * DEPTH / 4u; part += 64u) {
            let line = part % TILE;
            let column = part / TILE * 4u;
            var values = vec4f();
            if (first_token + line < state.tokens && start + column < shape.n_in) {
                values = input4(x4(first_token + line, start + column, shape.n_in));
            }
            var weights = vec4f();
            if (first_out + line < shape.n_out && start + column < shape.n_in) {
                weights = weight4(first_out + line, start + column, shape.n_in);
            }
            for (var i = 0u; i < 4u; i++) {
                x_tile[(column + i) * QUADS + line / 4u][line % 4u] = values[i];
                w_tile[(column + i) * QUADS + line / 4u][line % 4u] = weights[i];
            }
        }
        workgroupBarrier();
        for (var column = 0u; column < DEPTH; column++) {
            let values = x_tile[column * QUADS + token_quad];
            let weights = w_tile[column * QUADS + row_quad];
            for (var i = 0u; i < 4u; i++) { sums[i] += values[i] * weights; }
        }
        workgroupBarrier();
    }
    for (var i = 0u; i < 4u; i++) {
        let token = first_token + token_quad * 4u + i;
        for (var j = 0u; j < 4u; j++) {
            let row = first_out + row_quad * 4u + j;
            if (token < state.tokens && row < shape.n_out) {
                y[token * shape.stride + shape.first_row + row] = output(sums[i][j], row);
            }
        }
    }
}
