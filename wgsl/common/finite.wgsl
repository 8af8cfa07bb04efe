// Whether a float is a number and no infinity, by its bits: WGSL lets a compiler take it that others do not occur, so
// comparisons tell nothing. NOT_A_LOGIT stands for what is not, so that no later clamp makes a number of it.
const NOT_A_LOGIT: f32 = 3.0e38;  // farther than any logit
fn is_finite(x: f32) -> bool { return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u; }
