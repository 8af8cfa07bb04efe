// What becomes of a matvec's sums, as the step's `sink` says: one text, since a page's start waits for each
// that is compiled.
//   PLAIN    a value of y each
//   GATED    half of a workgroup's quads are of the gate, half of up, whose rows follow the gate's: gelu(gate) · up
//   PLE      gelu of each, times the per-layer input of its column of y
//   SOFTCAP  cap · tanh(sum / cap), clamped as in gelu; NOT_A_LOGIT of what is not finite
//! include gelu
//! include finite
const PLAIN: u32 = 0u;
const GATED: u32 = 1u;
const PLE: u32 = 2u;
const SOFTCAP: u32 = 3u;
@group(0) @binding(INPUTS_SLOT) var<storage, read> inputs: array<f32>;
const HALF: u32 = QUADS / 2u;

fn outputs() -> u32 { return select(4u, 2u, shape.sink == GATED); }  // of a quad's rows

fn row_of(quad: u32) -> u32 {
    if (shape.sink != GATED) { return quad * 4u; }
    return (quad / QUADS * HALF + quad % HALF) * 4u + quad % QUADS / HALF * shape.n_out;
}

fn finish(i: u32, row: u32) -> f32 {
    let y = output(sum_of(i), row);
    if (shape.sink == PLAIN) { return y; }
    let caps = shape.sink == SOFTCAP;
    var inner = y / shape.cap;
    if (!caps) { inner = gelu_inner(y); }
    let bent = clamped_tanh(inner);
    if (caps) { return select(NOT_A_LOGIT, shape.cap * bent, is_finite(y)); }
    var by = 0.0;
    if (shape.sink == PLE) {
        by = inputs[shape.first_input + shape.first + row];
    } else {
        by = output(sum_of(i + HALF * 4u), row + shape.n_out);
    }
    return 0.5 * y * (1.0 + bent) * by;
}
