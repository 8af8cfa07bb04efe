// What a row's weights are multiplied with: x as it is.
fn input_grid(row: u32) -> f32 { return 0.0; }
fn input_four(x: vec4f, _grid: f32) -> vec4f { return x; }
fn input_block(x: Block, _grid: f32) -> Block { return x; }
