// What becomes of a matvec's sums: half of a workgroup's quads are of the gate, half of up, whose rows
// follow the gate's: gelu(gate) · up.
//! include gelu
const OUTPUTS: u32 = 2u;  // of a quad's rows
const HALF: u32 = QUADS / 2u;
fn row_of(quad: u32) -> u32 {
    return (quad / QUADS * HALF + quad % HALF) * 4u + quad % QUADS / HALF * shape.n_out;
}
fn finish(i: u32, row: u32) -> f32 {
    return gelu(output(sum_of(i), row)) * output(sum_of(i + HALF * 4u), row + shape.n_out);
}
