//! include srq
// What a row's weights are multiplied with: codes of x, or x itself where the grid is 0. Sums of products
// of codes are whole numbers, exact in f32 up to 2^24 in whatever order they are made.
fn input_grid(row: u32) -> f32 { return shape.input_grids[matrix_of(row)]; }

fn input_four(x: vec4f, grid: f32) -> vec4f {
    if (grid == 0.0) { return x; }
    return srq_codes(x, grid);
}

fn input_block(x: Block, grid: f32) -> Block {
    if (grid == 0.0) { return x; }
    return Block(
        srq_codes(x[0], grid), srq_codes(x[1], grid), srq_codes(x[2], grid), srq_codes(x[3], grid),
        srq_codes(x[4], grid), srq_codes(x[5], grid), srq_codes(x[6], grid), srq_codes(x[7], grid));
}
