// table4: four neighbours of a table's row, codes times the scale that they share.
fn table4(row: u32, column: u32) -> vec4f {
    let scale = scales[row * shape.scales + column / (shape.n_in / shape.scales)];
    return weight4(row, column, shape.n_in) * scale;
}
