// table_scale: what four codes of a table from `column` on are multiplied with: the scale that a whole
// slice of the row shares.
fn table_scale(row: u32, column: u32) -> f32 {
    return scales[row * shape.scales + column / (shape.n_in / shape.scales)];
}
