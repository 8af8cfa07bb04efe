// embed: a table's rows for the tokens at hand, times a constant.
// The table may lie in several pieces; each piece's dispatch writes only the ids that are its own.
//   0 ids      read   [tokens]
//   1 y        write  [tokens, n_in]
//   2 state    read
//   3 … table  read   [rows, n_in], encoded
//   last shape uniform
// grid: (n_in / 4 / LANES, tokens)
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
// weight4: four neighbours of a row. Codes u4 offset by 8, eight a word, low nibble first; an f16
// scale for each 32 of a row.
// Two f16 in a word, without the shader-f16 feature.
alias Half2 = u32;
fn unpack_half(word: Half2) -> vec2f { return unpack2x16float(word); }
@group(0) @binding(3) var<storage, read> codes: array<u32>;
@group(0) @binding(4) var<storage, read> scales: array<Half2>;

fn weight4(row: u32, column: u32, n_in: u32) -> vec4f {
    let at = row * n_in + column;
    let nibbles = codes[at / 8u] >> ((at & 4u) * 4u);
    let code = vec4f(vec4u(nibbles, nibbles >> 4u, nibbles >> 8u, nibbles >> 12u) & vec4u(15u));
    let block = at / 32u;
    return (code - 8.0) * unpack_half(scales[block / 2u])[block & 1u];
}
// table4: four neighbours of a table's row: weights as they are.
fn table4(row: u32, column: u32) -> vec4f { return weight4(row, column, shape.n_in); }

struct Shape { n_in: u32, first_row: u32, rows: u32, scale: f32, scales: u32 }
@group(0) @binding(0) var<storage, read> ids: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read> state: State;
@group(0) @binding(5) var<uniform> shape: Shape;

@compute @workgroup_size(LANES)
fn embed(@builtin(global_invocation_id) at: vec3u) {
    let column = at.x * 4u;
    if (at.y >= state.tokens || column >= shape.n_in) { return; }
    let row = ids[at.y] - shape.first_row;  // wraps to a large number below the first row
    if (row >= shape.rows) { return; }
    let four = table4(row, column) * shape.scale;
    for (var i = 0u; i < min(4u, shape.n_in - column); i++) {
        y[at.y * shape.n_in + column + i] = four[i];
    }
}
