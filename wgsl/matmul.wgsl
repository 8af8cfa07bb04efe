// matmul: y = x · Wᵀ for a chunk of tokens.
// A workgroup makes a tile of TOKENS by ROWS; each of its lanes LANE_TOKENS tokens by 8 rows, in registers. Both
// operands go through workgroup memory DEPTH columns at a time, weights decoded once on the way: a lane
// takes four columns of four tokens, or of four rows, and stores a whole vector for each column.
//   x          read   [tokens, n_in]
//   y          write  [tokens, stride], columns first … first + n_out
//   W          read   [w_row + n_out, n_in], encoded: codes and scales, or values
//   state      read
//   shape      uniform
// grid: (n_out / ROWS, tokens / TOKENS)
//! param
const TOKENS: u32 = 64u;
const ROWS: u32 = 64u;
const LANE_TOKENS: u32 = 8u;  // or 4, for devices with few registers a lane
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

const LANES: u32 = TOKENS / LANE_TOKENS * ROWS / 8u;
const DEPTH: u32 = 16u;
const FOURS: u32 = DEPTH / 4u;
const X_QUADS: u32 = TOKENS / 4u;
const W_QUADS: u32 = ROWS / 4u;
const W_TILE: u32 = DEPTH * X_QUADS;  // W's part of `tile` begins here
const HALF: u32 = TOKENS * 4u / LANE_TOKENS;  // tokens that are written at a time, with half of the rows
// x's columns, then W's. [column][quad], four tokens a vector, or four rows. Quads are stored in an order that differs
// from one four of columns to the next, so that lanes that store, and lanes that load, are in different banks.
// In the end sums on their way out, [token][row], no more of them than this.
var<workgroup> tile: array<vec4f, DEPTH * (X_QUADS + W_QUADS)>;

// Four columns of four tokens: a vector a column. Tokens past the last are the last one's, and not written.
fn x_columns(token: u32, four: u32, grid: f32) -> mat4x4f {
    let last = state.tokens - 1u;
    return transpose(mat4x4f(
        input_four(x_four(min(token, last), four, shape.n_in), grid),
        input_four(x_four(min(token + 1u, last), four, shape.n_in), grid),
        input_four(x_four(min(token + 2u, last), four, shape.n_in), grid),
        input_four(x_four(min(token + 3u, last), four, shape.n_in), grid)));
}

// The same of four rows of W, those past the end too; and their scales.
fn w_columns(row: u32, four: u32) -> mat4x4f {
    return transpose(mat4x4f(
        weight_four(row, four, shape.n_in), weight_four(row + 1u, four, shape.n_in),
        weight_four(row + 2u, four, shape.n_in), weight_four(row + 3u, four, shape.n_in)));
}

fn w_scales(row: u32, block: u32) -> vec4f {
    return vec4f(weight_scale(row, block, shape.n_in), weight_scale(row + 1u, block, shape.n_in),
                 weight_scale(row + 2u, block, shape.n_in), weight_scale(row + 3u, block, shape.n_in));
}

fn outer(w: vec4f, x: vec4f) -> mat4x4f { return mat4x4f(w * x.x, w * x.y, w * x.z, w * x.w); }

// Where a quad stands among the vectors of a column.
fn place(quad: u32, four: u32) -> u32 { return quad ^ (four * 2u); }

// A lane's sums of four tokens by four rows, to where all lanes write them from.
fn hand_over(quad_x: u32, quad_w: u32, sums: mat4x4f) {
    let at = quad_x * 4u * (W_QUADS / 2u) + quad_w;
    tile[at] = sums[0];
    tile[at + W_QUADS / 2u] = sums[1];
    tile[at + W_QUADS] = sums[2];
    tile[at + W_QUADS / 2u * 3u] = sums[3];
}

// What all lanes have handed over, by neighbouring lanes for neighbouring rows.
fn write_half(first_token: u32, first_row: u32, lane: u32) {
    let own = lane % (ROWS / 2u);
    let row = first_row + own;
    if (row >= shape.n_out) { return; }
    for (var token = lane / (ROWS / 2u); token < min(HALF, state.tokens - first_token); token += LANES / (ROWS / 2u)) {
        let at = token * (ROWS / 2u) + own;
        y[(first_token + token) * shape.stride + shape.first + row] = output(tile[at / 4u][at % 4u], row);
    }
}

@compute @workgroup_size(LANES)
fn matmul(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let first_token = group.y * TOKENS;
    let first_out = group.x * ROWS;
    if (first_token >= state.tokens) { return; }  // the same for the whole workgroup
    let grid = input_grid(first_out);  // a tile's rows are of one matrix
    let own_x = lane / (W_QUADS / 2u);  // a quad, and another half a tile on
    let own_w = lane % (W_QUADS / 2u);
    var sums_00 = mat4x4f();  // the first four tokens by the first four rows, a column a token
    var sums_01 = mat4x4f();  // the first four tokens by the other rows
    var sums_10 = mat4x4f();  // with 8 tokens a lane, those half a tile on
    var sums_11 = mat4x4f();
    for (var first = 0u; first < shape.n_in; first += DEPTH) {
        for (var i = lane; i < X_QUADS * FOURS; i += LANES) {
            let four = i % FOURS;
            let quad = i / FOURS;
            let x = x_columns(first_token + quad * 4u, first / 4u + four, grid);
            let at = four * 4u * X_QUADS + place(quad, four);
            tile[at] = x[0];
            tile[at + X_QUADS] = x[1];
            tile[at + X_QUADS * 2u] = x[2];
            tile[at + X_QUADS * 3u] = x[3];
        }
        for (var i = lane; i < W_QUADS * FOURS; i += LANES) {
            let four = i % FOURS;
            let quad = i / FOURS;
            let row = shape.w_row + first_out + quad * 4u;
            let w = w_columns(row, first / 4u + four);
            let scales = w_scales(row, first / BLOCK);
            let at = W_TILE + four * 4u * W_QUADS + place(quad, four);
            tile[at] = w[0] * scales;
            tile[at + W_QUADS] = w[1] * scales;
            tile[at + W_QUADS * 2u] = w[2] * scales;
            tile[at + W_QUADS * 3u] = w[3] * scales;
        }
        workgroupBarrier();
        for (var column = 0u; column < DEPTH; column++) {
            let own_four = column / 4u;
            let x_0 = tile[column * X_QUADS + place(own_x, own_four)];
            let w_0 = tile[W_TILE + column * W_QUADS + place(own_w, own_four)];
            let w_1 = tile[W_TILE + column * W_QUADS + place(own_w + W_QUADS / 2u, own_four)];
            sums_00 += outer(w_0, x_0);
            sums_01 += outer(w_1, x_0);
            if (LANE_TOKENS == 8u) {
                let x_1 = tile[column * X_QUADS + place(own_x + X_QUADS / 2u, own_four)];
                sums_10 += outer(w_0, x_1);
                sums_11 += outer(w_1, x_1);
            }
        }
        workgroupBarrier();
    }
    hand_over(own_x, own_w, sums_00);
    workgroupBarrier();
    write_half(first_token, first_out, lane);
    workgroupBarrier();
    hand_over(own_x, own_w, sums_01);
    workgroupBarrier();
    write_half(first_token, first_out + ROWS / 2u, lane);
    if (LANE_TOKENS == 4u) { return; }
    if (first_token + HALF >= state.tokens) { return; }
    workgroupBarrier();
    hand_over(own_x, own_w, sums_10);
    workgroupBarrier();
    write_half(first_token + HALF, first_out, lane);
    workgroupBarrier();
    hand_over(own_x, own_w, sums_11);
    workgroupBarrier();
    write_half(first_token + HALF, first_out + ROWS / 2u, lane);
}
