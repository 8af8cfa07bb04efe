// matmul: y = x · Wᵀ for a chunk of tokens.
// A workgroup makes a tile of TOKENS by ROWS; each of its lanes 8 tokens by 8 rows, in registers. Both
// operands go through workgroup memory a block of 32 columns at a time, weights decoded once on the way.
//   x          read   [tokens, n_in]
//   y          write  [tokens, stride], columns first … first + n_out
//   W          read   [w_row + n_out, n_in], encoded: codes and scales, or values
//   state      read
//   shape      uniform
// grid: (n_out / ROWS, tokens / TOKENS)
//! param
const TOKENS: u32 = 64u;
const ROWS: u32 = 64u;
//! end
//! include state
//! include matrix_shape
//! include weights
//! include x
//! include input
//! include output

@group(0) @binding(Y_SLOT) var<storage, read_write> y: array<f32>;
@group(0) @binding(STATE_SLOT) var<storage, read> state: State;
@group(0) @binding(SHAPE_SLOT) var<uniform> shape: Shape;

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
