// What becomes of a matvec's four sums: two of the gate's rows and the two of up's that they gate, whose
// rows follow the gate's: gelu(gate) · up.
//! include gelu
const OUTPUTS: u32 = 2u;  // of the four sums
fn row_of(quad: u32, i: u32) -> u32 { return quad * 2u + i % 2u + i / 2u * shape.n_out; }
fn finish(quad: u32, i: u32, sums: vec4f) -> f32 { return gelu(sums[i]) * sums[i + 2u]; }
