// matmul_i8: y = x · Wᵀ for a chunk of tokens as matmul makes it, but of int8 codes: products of whole numbers,
// which the language adds up four at a time, and a scale at the end. Every input has a grid. Both operands go
// through workgroup memory DEPTH times sixteen columns at a time.
//   x          read   [tokens, n_in]
//   y          write  [tokens, stride], columns first … first + n_out
//   W          read   [w_row + n_out, n_in]: codes and scales
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
    eps: f32, norm: u32, post_norm: u32, scalar: u32,  // of what comes before the matrix: see the source
    first_input: u32, cap: f32,  // of what comes after it
    second_row: u32, input_grids: vec3f, third_row: u32, output_grids: vec3f,  // of packed weights alone
    sink: u32,  // what comes after the matrix
}
// Sixteen of a row of W, or a block, as int8 codes: scales (f32) come after the sum. Codes i8, four a word.
// A block: 32 neighbours of a row as eight vectors, small enough to stay in registers.
const BLOCK: u32 = 32u;
alias Block = array<vec4f, 8>;

fn dot_block(a: Block, b: Block) -> f32 {
    return dot(a[0], b[0]) + dot(a[1], b[1]) + dot(a[2], b[2]) + dot(a[3], b[3])
        + dot(a[4], b[4]) + dot(a[5], b[5]) + dot(a[6], b[6]) + dot(a[7], b[7]);
}
// Int8 codes, sixteen in four words in an order that each form of the weights has for itself; a block has 32.
struct Codes { a: vec4u, b: vec4u }

fn pack(x: vec4f) -> u32 { return pack4xI8(vec4i(x)); }

fn pack_block(x: Block) -> Codes {
    return Codes(pack_sixteen(mat4x4f(x[0], x[1], x[2], x[3])), pack_sixteen(mat4x4f(x[4], x[5], x[6], x[7])));
}

fn dot_codes(w: Codes, x: Codes) -> i32 {
    return dot4I8Packed(w.a.x, x.a.x) + dot4I8Packed(w.a.y, x.a.y)
        + dot4I8Packed(w.a.z, x.a.z) + dot4I8Packed(w.a.w, x.a.w)
        + dot4I8Packed(w.b.x, x.b.x) + dot4I8Packed(w.b.y, x.b.y)
        + dot4I8Packed(w.b.z, x.b.z) + dot4I8Packed(w.b.w, x.b.w);
}
@group(0) @binding(2) var<storage, read> codes: array<vec4u>;
@group(0) @binding(3) var<storage, read> scales: array<f32>;
const SHIFT: u32 = 0u;  // by which the codes are too large

fn weight_sixteen(row: u32, sixteen: u32, n_in: u32) -> vec4u { return codes[row * (n_in / 16u) + sixteen]; }

fn weight_codes(row: u32, block: u32, n_in: u32) -> Codes {
    return Codes(weight_sixteen(row, block * 2u, n_in), weight_sixteen(row, block * 2u + 1u, n_in));
}

fn pack_sixteen(x: mat4x4f) -> vec4u { return vec4u(pack(x[0]), pack(x[1]), pack(x[2]), pack(x[3])); }
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

const LANES: u32 = TOKENS / 8u * ROWS / 8u;
const DEPTH: u32 = 4u;
const X_QUADS: u32 = TOKENS / 4u;
const W_QUADS: u32 = ROWS / 4u;
const W_TILE: u32 = DEPTH * 4u * X_QUADS;  // W's part of `tile` begins here
// x's words, then W's. [word of four columns][quad], four tokens a vector, or four rows; quads in an order of each
// sixteen's own, so that lanes that store, and lanes that load, are in different banks.
// In the end sums on their way out, [token][row], for half of the tokens and half of the rows.
var<workgroup> tile: array<vec4u, DEPTH * 4u * (X_QUADS + W_QUADS)>;

// Where a quad stands among the vectors of a word.
fn place(quad: u32, sixteen: u32) -> u32 { return quad ^ (sixteen * 2u); }

struct Words { a: vec4u, b: vec4u, c: vec4u, d: vec4u }  // of sixteen columns, a vector a word

fn by_word(a: vec4u, b: vec4u, c: vec4u, d: vec4u) -> Words {
    return Words(vec4u(a.x, b.x, c.x, d.x), vec4u(a.y, b.y, c.y, d.y),
                 vec4u(a.z, b.z, c.z, d.z), vec4u(a.w, b.w, c.w, d.w));
}

// A token's codes, zero past the row's end. Tokens past the last are the last one's, and not written.
fn x_codes(token: u32, sixteen: u32, grid: f32) -> vec4u {
    let own = min(token, state.tokens - 1u);
    let four = sixteen * 4u;
    let x = mat4x4f(input_four(x_four(own, four, shape.n_in), grid),
                    input_four(x_four(own, four + 1u, shape.n_in), grid),
                    input_four(x_four(own, four + 2u, shape.n_in), grid),
                    input_four(x_four(own, four + 3u, shape.n_in), grid));
    return select(vec4u(), pack_sixteen(x), sixteen * 16u < shape.n_in);
}

fn x_words(token: u32, sixteen: u32, grid: f32) -> Words {
    return by_word(x_codes(token, sixteen, grid), x_codes(token + 1u, sixteen, grid),
                   x_codes(token + 2u, sixteen, grid), x_codes(token + 3u, sixteen, grid));
}

// What is past the matrix's end, or past a row's, is made, and not written or times zero.
fn w_words(row: u32, sixteen: u32) -> Words {
    return by_word(weight_sixteen(row, sixteen, shape.n_in), weight_sixteen(row + 1u, sixteen, shape.n_in),
                   weight_sixteen(row + 2u, sixteen, shape.n_in), weight_sixteen(row + 3u, sixteen, shape.n_in));
}

// Four rows' products with one token.
fn products(w: vec4u, x: u32) -> vec4i {
    return vec4i(dot4I8Packed(w.x, x), dot4I8Packed(w.y, x), dot4I8Packed(w.z, x), dot4I8Packed(w.w, x));
}

// A lane's sums of four tokens by four rows, to where all lanes write them from.
fn hand_over(quad_x: u32, quad_w: u32, a: vec4i, b: vec4i, c: vec4i, d: vec4i) {
    let at = quad_x * 4u * (W_QUADS / 2u) + quad_w;
    tile[at] = bitcast<vec4u>(a);
    tile[at + W_QUADS / 2u] = bitcast<vec4u>(b);
    tile[at + W_QUADS] = bitcast<vec4u>(c);
    tile[at + W_QUADS / 2u * 3u] = bitcast<vec4u>(d);
}

// What all lanes have handed over, by neighbouring lanes for neighbouring rows.
fn write_half(first_token: u32, first_row: u32, lane: u32) {
    let own = lane % (ROWS / 2u);
    let row = first_row + own;
    if (row >= shape.n_out) { return; }
    let tokens = min(TOKENS / 2u, state.tokens - first_token);
    for (var token = lane / (ROWS / 2u); token < tokens; token += LANES / (ROWS / 2u)) {
        let at = token * (ROWS / 2u) + own;
        let sum = f32(bitcast<i32>(tile[at / 4u][at % 4u]) >> SHIFT);
        y[(first_token + token) * shape.stride + shape.first + row] = output(sum, row);
    }
}

@compute @workgroup_size(LANES)
fn matmul_i8(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let first_token = group.y * TOKENS;
    let first_out = group.x * ROWS;
    if (first_token >= state.tokens) { return; }  // the same for the whole workgroup
    let grid = input_grid(first_out);  // a tile's rows are of one matrix
    let own_x = lane / (W_QUADS / 2u);  // a quad, and another half a tile on
    let own_w = lane % (W_QUADS / 2u);
    var low_0 = vec4i();  // each token by the first four rows, and by the others
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
    for (var first = 0u; first * 16u < shape.n_in; first += DEPTH) {
        for (var i = lane; i < X_QUADS * DEPTH; i += LANES) {
            let sixteen = i % DEPTH;
            let quad = i / DEPTH;
            let words = x_words(first_token + quad * 4u, first + sixteen, grid);
            let at = sixteen * 4u * X_QUADS + place(quad, sixteen);
            tile[at] = words.a;
            tile[at + X_QUADS] = words.b;
            tile[at + X_QUADS * 2u] = words.c;
            tile[at + X_QUADS * 3u] = words.d;
        }
        for (var i = lane; i < W_QUADS * DEPTH; i += LANES) {
            let sixteen = i % DEPTH;
            let quad = i / DEPTH;
            let words = w_words(shape.w_row + first_out + quad * 4u, first + sixteen);
            let at = W_TILE + sixteen * 4u * W_QUADS + place(quad, sixteen);
            tile[at] = words.a;
            tile[at + W_QUADS] = words.b;
            tile[at + W_QUADS * 2u] = words.c;
            tile[at + W_QUADS * 3u] = words.d;
        }
        workgroupBarrier();
        for (var word = 0u; word < DEPTH * 4u; word++) {
            let x_0 = tile[word * X_QUADS + place(own_x, word / 4u)];
            let x_1 = tile[word * X_QUADS + place(own_x + X_QUADS / 2u, word / 4u)];
            let w_0 = tile[W_TILE + word * W_QUADS + place(own_w, word / 4u)];
            let w_1 = tile[W_TILE + word * W_QUADS + place(own_w + W_QUADS / 2u, word / 4u)];
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
    hand_over(own_x, own_w, low_0, low_1, low_2, low_3);
    workgroupBarrier();
    write_half(first_token, first_out, lane);
    workgroupBarrier();
    hand_over(own_x, own_w, high_0, high_1, high_2, high_3);
    workgroupBarrier();
    write_half(first_token, first_out + ROWS / 2u, lane);
    if (first_token + TOKENS / 2u >= state.tokens) { return; }
    workgroupBarrier();
    hand_over(own_x, own_w, low_4, low_5, low_6, low_7);
    workgroupBarrier();
    write_half(first_token + TOKENS / 2u, first_out, lane);
    workgroupBarrier();
    hand_over(own_x, own_w, high_4, high_5, high_6, high_7);
    workgroupBarrier();
    write_half(first_token + TOKENS / 2u, first_out + ROWS / 2u, lane);
}
