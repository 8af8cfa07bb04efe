// table_scale: what four codes of a table from `column` on are multiplied with: the weights' own scale.
fn table_scale(row: u32, column: u32) -> f32 { return weight_scale(row, column / BLOCK, shape.n_in); }
