//! include srq
// output: a row's value from its sum of codes: scaled, and rounded to its own grid where that is not 0.
fn output(sum: f32, row: u32) -> f32 {
    let input_grid = select(shape.input_grid, 1.0, shape.input_grid == 0.0);
    let y = sum * (input_grid * scales[shape.w_row + row]);
    if (shape.output_grid == 0.0) { return y; }
    return srq_codes(vec4f(y), shape.output_grid).x * shape.output_grid;
}
