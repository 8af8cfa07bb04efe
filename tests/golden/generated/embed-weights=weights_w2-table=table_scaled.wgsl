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
// A block of W as codes: scales (f32) come after the sum, or from the table's. Codes u2 offset by 2,
// sixteen a word, low bits first.
// A block: 32 neighbours of a row as eight vectors, small enough to stay in registers.
const BLOCK: u32 = 32u;
alias Block = array<vec4f, 8>;

fn dot_block(a: Block, b: Block) -> f32 {
    return dot(a[0], b[0]) + dot(a[1], b[1]) + dot(a[2], b[2]) + dot(a[3], b[3])
        + dot(a[4], b[4]) + dot(a[5], b[5]) + dot(a[6], b[6]) + dot(a[7], b[7]);
}
// A byte as four u2 codes offset by 2, low bits first.
fn crumbs(word: u32) -> vec4f {
    return vec4f((vec4u(word) >> vec4u(0u, 2u, 4u, 6u)) & vec4u(3u)) - 2.0;
}
@group(0) @binding(3) var<storage, read> codes: array<vec2u>;
@group(0) @binding(4) var<storage, read> scales: array<f32>;

fn weight_block(row: u32, block: u32, n_in: u32) -> Block {
    let c = codes[row * (n_in / BLOCK) + block];
    return Block(crumbs(c.x), crumbs(c.x >> 8u), crumbs(c.x >> 16u), crumbs(c.x >> 24u),
                 crumbs(c.y), crumbs(c.y >> 8u), crumbs(c.y >> 16u), crumbs(c.y >> 24u));
}

fn weight_four(row: u32, four: u32, n_in: u32) -> vec4f {
    return crumbs(codes[row * (n_in / BLOCK) + four / 8u][four / 4u % 2u] >> (8u * (four % 4u)));
}

fn weight_scale(row: u32, block: u32, n_in: u32) -> f32 { return 1.0; }
// table_scale: what four codes of a table from `column` on are multiplied with: the scale that a whole
// slice of the row shares.
fn table_scale(row: u32, column: u32) -> f32 {
    return scales[row * shape.scales + column / (shape.n_in / shape.scales)];
}

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
