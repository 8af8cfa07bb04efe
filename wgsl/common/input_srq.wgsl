//! include srq
// input4: what the weights are multiplied with: codes of x, or x itself where the grid is 0. Sums of
// products of codes are whole numbers, exact in f32 up to 2^24 in whatever order they are made.
fn input4(x: vec4f) -> vec4f {
    if (shape.input_grid == 0.0) { return x; }
    return srq_codes(x, shape.input_grid);
}
