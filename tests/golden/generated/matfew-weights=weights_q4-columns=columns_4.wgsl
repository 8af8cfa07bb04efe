// matfew: y = x · Wᵀ for a few tokens, weights read and decoded once for up to eight of them.
// As in matvec a workgroup has LANES / PART quads of rows, PART lanes share a quad, and their sums are added
// up at the end; but a lane goes through its blocks four columns at a time, for every token, and decodes no more
// than those: whole blocks of four rows take more registers than many GPUs have.
//   x          read   [tokens, n_in]
//   y          write  [tokens, stride], columns first … first + n_out
//   W          read   [w_row + n_out, n_in], encoded: codes and scales, or values
//   state      read
//   shape      uniform
// grid: (tokens / COLUMNS, n_out / rows of a workgroup), the latter folded over y and z: workgroups that have
// the same weights come one after the other
const LANES: u32 = 64u;
const PART: u32 = 8u;
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
// The products of four tokens with a quad of rows: a vector a token.
const COLUMNS: u32 = 4u;
alias Sums = mat4x4f;
fn products(w: mat4x4f, token: u32, four: u32, grid: f32) -> Sums {
    return Sums(x_part(token, four, grid) * w, x_part(token + 1u, four, grid) * w,
                x_part(token + 2u, four, grid) * w, x_part(token + 3u, four, grid) * w);
}
fn plus(a: Sums, b: Sums) -> Sums { return a + b; }
fn scaled(a: Sums, by: vec4f) -> Sums { return Sums(a[0] * by, a[1] * by, a[2] * by, a[3] * by); }
fn keep(lane: u32, a: Sums) {
    partial[lane] = a[0];
    partial[LANES + lane] = a[1];
    partial[LANES * 2u + lane] = a[2];
    partial[LANES * 3u + lane] = a[3];
}

@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read> state: State;
@group(0) @binding(5) var<uniform> shape: Shape;

const ROWS: u32 = LANES / PART * 4u;  // of a workgroup; a quad's are of one matrix
var<workgroup> partial: array<vec4f, LANES * COLUMNS>;

// Four values of a token as the weights are multiplied with them; tokens past the last are made, not written.
fn x_part(token: u32, four: u32, grid: f32) -> vec4f {
    return input_four(x_four(token, four, shape.n_in), grid);
}

@compute @workgroup_size(LANES)
fn matfew(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
          @builtin(local_invocation_index) lane: u32) {
    let first = (group.y + group.z * groups.y) * ROWS;
    let first_token = group.x * COLUMNS;
    if (first >= shape.n_out || first_token >= state.tokens) { return; }  // all lanes leave together
    let row = first + lane / PART * 4u;
    let at = shape.w_row + row;
    let n_in = shape.n_in;
    let grid = input_grid(row);
    var sums = Sums();
    for (var block = lane % PART; block * BLOCK < n_in; block += PART) {
        let scale = vec4f(weight_scale(at, block, n_in), weight_scale(at + 1u, block, n_in),
                          weight_scale(at + 2u, block, n_in), weight_scale(at + 3u, block, n_in));
        for (var i = 0u; i < BLOCK / 4u; i++) {
            let four = block * (BLOCK / 4u) + i;
            let w = mat4x4f(weight_four(at, four, n_in) * scale.x, weight_four(at + 1u, four, n_in) * scale.y,
                            weight_four(at + 2u, four, n_in) * scale.z, weight_four(at + 3u, four, n_in) * scale.w);
            sums = plus(sums, products(w, first_token, four, grid));
        }
    }
    keep(lane, sums);
    workgroupBarrier();
    for (var i = lane; i < ROWS * COLUMNS; i += LANES) {
        let column = i / ROWS;
        let own_row = i % ROWS;
        var sum = 0.0;
        for (var part = 0u; part < PART; part++) {
            sum += partial[column * LANES + own_row / 4u * PART + part][own_row % 4u];
        }
        let token = first_token + column;
        if (token < state.tokens && first + own_row < shape.n_out) {
            y[token * shape.stride + shape.first + first + own_row] = output(sum, first + own_row);
        }
    }
}
