//! include srq
// What a row's weights are multiplied with: codes of x, or x itself where the grid is 0. Sums of products
// of codes are whole numbers, exact in f32 up to 2^24 in whatever order they are made.
fn input_grid(row: u32) -> f32 { return shape.input_grids[matrix_of(row)]; }

// Both are made and one is taken: a branch for each would cost more than the rounding.
fn input_four(x: vec4f, grid: f32) -> vec4f {
    return select(srq_codes(x, select(grid, 1.0, grid == 0.0)), x, grid == 0.0);
}

fn input_block(x: Block, grid: f32) -> Block {
    return Block(
        input_four(x[0], grid), input_four(x[1], grid), input_four(x[2], grid), input_four(x[3], grid),
        input_four(x[4], grid), input_four(x[5], grid), input_four(x[6], grid), input_four(x[7], grid));
}
