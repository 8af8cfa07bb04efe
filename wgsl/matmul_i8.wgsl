// matmul_i8: y = x · Wᵀ for a chunk of tokens as matmul makes it, but of int8 codes: products of whole numbers,
// which the language adds up four at a time, and a scale at the end. Every input has a grid.
//   x          read   [tokens, n_in]
//   y          write  [tokens, stride], columns first … first + n_out
//   W          read   [w_row + n_out, n_in]: codes and scales
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
const WORDS: u32 = BLOCK / 4u;  // of a block's codes
var<workgroup> x_tile: array<vec4u, WORDS * TOKENS / 4u>;  // [word][token / 4], four tokens a vector
var<workgroup> w_tile: array<vec4u, WORDS * ROWS / 4u>;  // [word][row / 4]

fn put_x(word: u32, token: u32, four: vec4u) {
    let at = (word * TOKENS + token) / 4u;
    x_tile[at][token % 4u] = four.x;
    x_tile[at + TOKENS / 4u][token % 4u] = four.y;
    x_tile[at + TOKENS / 2u][token % 4u] = four.z;
    x_tile[at + TOKENS / 4u * 3u][token % 4u] = four.w;
}

fn put_w(word: u32, row: u32, four: vec4u) {
    let at = (word * ROWS + row) / 4u;
    w_tile[at][row % 4u] = four.x;
    w_tile[at + ROWS / 4u][row % 4u] = four.y;
    w_tile[at + ROWS / 2u][row % 4u] = four.z;
    w_tile[at + ROWS / 4u * 3u][row % 4u] = four.w;
}

// Four rows' products with one token.
fn products(w: vec4u, x: u32) -> vec4i {
    return vec4i(dot4I8Packed(w.x, x), dot4I8Packed(w.y, x), dot4I8Packed(w.z, x), dot4I8Packed(w.w, x));
}

fn write(token: u32, row: u32, sums: vec4i) {
    if (token >= state.tokens) { return; }
    for (var i = 0u; i < 4u; i++) {
        if (row + i < shape.n_out) {
            y[token * shape.stride + shape.first + row + i] = output(f32(sums[i] >> SHIFT), row + i);
        }
    }
}

@compute @workgroup_size(LANES)
fn matmul_i8(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let first_token = group.y * TOKENS;
    let first_out = group.x * ROWS;
    if (first_token >= state.tokens) { return; }  // the same for the whole workgroup
    let grid = input_grid(first_out);  // a tile's rows are of one matrix
    let own_token = lane / EIGHTHS * 8u;
    let own_row = lane % EIGHTHS * 8u;
    var low_0 = vec4i();  // token by its rows 0 … 3, and by rows 4 … 7
    var high_0 = vec4i();
    var low_1 = vec4i();
    var high_1 = vec4i();
    var low_2 = vec4i();
    var high_2 = vec4i();
    var low_3 = vec4i();
    var high_3 = vec4i();
    var low_4 = vec4i();
    var high_4 = vec4i();
    var low_5 = vec4i();
    var high_5 = vec4i();
    var low_6 = vec4i();
    var high_6 = vec4i();
    var low_7 = vec4i();
    var high_7 = vec4i();
    for (var block = 0u; block * BLOCK < shape.n_in; block++) {
        for (var i = lane; i < TOKENS; i += LANES) {
            var x = Codes();
            if (first_token + i < state.tokens) {
                x = pack_block(input_block(x_block(first_token + i, block, shape.n_in), grid));
            }
            put_x(0u, i, x.a);
            put_x(4u, i, x.b);
        }
        for (var i = lane; i < ROWS; i += LANES) {
            // what is past the end is made, and not written
            let w = weight_codes(shape.w_row + first_out + i, block, shape.n_in);
            put_w(0u, i, w.a);
            put_w(4u, i, w.b);
        }
        workgroupBarrier();
        for (var word = 0u; word < WORDS; word++) {
            let at_x = (word * TOKENS + own_token) / 4u;
            let at_w = (word * ROWS + own_row) / 4u;
            let x_0 = x_tile[at_x];
            let x_1 = x_tile[at_x + 1u];
            let w_0 = w_tile[at_w];
            let w_1 = w_tile[at_w + 1u];
            low_0 += products(w_0, x_0.x);
            high_0 += products(w_1, x_0.x);
            low_1 += products(w_0, x_0.y);
            high_1 += products(w_1, x_0.y);
            low_2 += products(w_0, x_0.z);
            high_2 += products(w_1, x_0.z);
            low_3 += products(w_0, x_0.w);
            high_3 += products(w_1, x_0.w);
            low_4 += products(w_0, x_1.x);
            high_4 += products(w_1, x_1.x);
            low_5 += products(w_0, x_1.y);
            high_5 += products(w_1, x_1.y);
            low_6 += products(w_0, x_1.z);
            high_6 += products(w_1, x_1.z);
            low_7 += products(w_0, x_1.w);
            high_7 += products(w_1, x_1.w);
        }
        workgroupBarrier();
    }
    let token = first_token + own_token;
    let row = first_out + own_row;
    write(token + 0u, row, low_0);
    write(token + 0u, row + 4u, high_0);
    write(token + 1u, row, low_1);
    write(token + 1u, row + 4u, high_1);
    write(token + 2u, row, low_2);
    write(token + 2u, row + 4u, high_2);
    write(token + 3u, row, low_3);
    write(token + 3u, row + 4u, high_3);
    write(token + 4u, row, low_4);
    write(token + 4u, row + 4u, high_4);
    write(token + 5u, row, low_5);
    write(token + 5u, row + 4u, high_5);
    write(token + 6u, row, low_6);
    write(token + 6u, row + 4u, high_6);
    write(token + 7u, row, low_7);
    write(token + 7u, row + 4u, high_7);
}
