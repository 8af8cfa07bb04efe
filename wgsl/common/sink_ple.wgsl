// What becomes of a matvec's sums: gelu of each, times the per-layer input of its column of y.
//! include gelu
@group(0) @binding(INPUTS_SLOT) var<storage, read> inputs: array<f32>;
const OUTPUTS: u32 = 4u;  // of a quad's rows
fn row_of(quad: u32) -> u32 { return quad * 4u; }
fn finish(i: u32, row: u32) -> f32 {
    return gelu(output(sum_of(i), row)) * inputs[shape.first_input + shape.first + row];
}
