// What becomes of a matvec's four sums: gelu of each, times the per-layer input of its column of y.
//! include gelu
@group(0) @binding(INPUTS_SLOT) var<storage, read> inputs: array<f32>;
const OUTPUTS: u32 = 4u;  // of the four sums
fn row_of(quad: u32, i: u32) -> u32 { return quad * 4u + i; }
fn finish(quad: u32, i: u32, sums: vec4f) -> f32 {
    let row = quad * 4u + i;
    return gelu(output(sums[i], row)) * inputs[shape.first_input + shape.first + row];
}
