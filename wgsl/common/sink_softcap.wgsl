// What becomes of a matvec's sums: cap · tanh(sum / cap), clamped as in gelu.
const OUTPUTS: u32 = 4u;  // of a quad's rows
fn row_of(quad: u32) -> u32 { return quad * 4u; }
fn finish(i: u32, row: u32) -> f32 {
    return shape.cap * tanh(clamp(output(sum_of(i), row) / shape.cap, -10.0, 10.0));
}
