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
const TOKENS: u32 = 64u;
const ROWS: u32 = 64u;
const LANE_TOKENS: u32 = 8u;  // or 4, for devices with few registers a lane
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
// A token's row of x: four neighbours, and a block.
@group(0) @binding(0) var<storage, read> x: array<vec4f>;

fn x_four(token: u32, four: u32, n_in: u32) -> vec4f { return x[token * (n_in / 4u) + four]; }

fn x_block(token: u32, block: u32, n_in: u32) -> Block {
    let at = (token * n_in + block * BLOCK) / 4u;
    return Block(x[at], x[at + 1u], x[at + 2u], x[at + 3u], x[at + 4u], x[at + 5u], x[at + 6u], x[at + 7u]);
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

@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read> state: State;
@group(0) @binding(5) var<uniform> shape: Shape;

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
