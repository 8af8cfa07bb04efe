enable f16;
// embed: a table's rows for the tokens at hand, times a constant. A lane makes a block of 32 columns.
// The table may lie in several pieces; each piece's dispatch writes only the ids that are its own.
//   0 ids      read   [tokens]
//   1 y        write  [tokens, n_in]
//   2 state    read
//   3 … table  read   [rows, n_in], encoded
//   last shape uniform
// grid: (n_in / 32 / LANES, tokens)
const LANES: u32 = 64u;
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
// Two f16 in a word, bound as the device's own f16 type. (naga's bitcast from u32 is wrong: do not.)
alias Half2 = vec2<f16>;
fn unpack_half(word: Half2) -> vec2f { return vec2f(word); }
@group(0) @binding(3) var<storage, read> codes: array<vec4u>;
@group(0) @binding(4) var<storage, read> scales: array<Half2>;

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
// table_scale: what four codes of a table from `column` on are multiplied with: the weights' own scale.
fn table_scale(row: u32, column: u32) -> f32 { return weight_scale(row, column / BLOCK, shape.n_in); }

struct Shape { n_in: u32, first_row: u32, rows: u32, scale: f32, scales: u32 }
@group(0) @binding(0) var<storage, read> ids: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read> state: State;
@group(0) @binding(5) var<uniform> shape: Shape;

@compute @workgroup_size(LANES)
fn embed(@builtin(global_invocation_id) at: vec3u) {
    let column = at.x * BLOCK;
    if (at.y >= state.tokens || column >= shape.n_in) { return; }
    let row = ids[at.y] - shape.first_row;  // wraps to a large number below the first row
    if (row >= shape.rows) { return; }
    let block = weight_block(row, at.x, shape.n_in);
    for (var i = 0u; i < min(BLOCK, shape.n_in - column); i++) {
        // the weight first, then the constant: rounded in the model's own order, SRQ's ties fall as its do
        let weight = block[i / 4u][i % 4u] * table_scale(row, column + i / 4u * 4u);
        y[at.y * shape.n_in + column + i] = weight * shape.scale;
    }
}
