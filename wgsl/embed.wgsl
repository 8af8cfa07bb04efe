// embed: a table's rows for the tokens at hand, times a constant. A lane makes a block of 32 columns.
// The table may lie in several pieces; each piece's dispatch writes only the ids that are its own.
//   0 ids      read   [tokens]
//   1 y        write  [tokens, n_in]
//   2 state    read
//   3 … table  read   [rows, n_in], encoded
//   last shape uniform
// grid: (n_in / 32 / LANES, tokens)
//! param
const LANES: u32 = 64u;
//! end
//! include state
//! include weights
//! include table

struct Shape { n_in: u32, first_row: u32, rows: u32, scale: f32, scales: u32 }
@group(0) @binding(0) var<storage, read> ids: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read> state: State;
@group(0) @binding(SHAPE_SLOT) var<uniform> shape: Shape;

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
