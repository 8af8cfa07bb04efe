// What becomes of a matvec's four sums: four values of y.
const OUTPUTS: u32 = 4u;  // of the four sums
fn row_of(quad: u32, i: u32) -> u32 { return quad * 4u + i; }
fn finish(quad: u32, i: u32, sums: vec4f) -> f32 { return output(sums[i], quad * 4u + i); }
