// table4: four neighbours of a table's row: weights as they are.
fn table4(row: u32, column: u32) -> vec4f { return weight4(row, column, shape.n_in); }
