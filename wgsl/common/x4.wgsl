// x4: four neighbours of row `row` of x, from `column` on, zero past its end.
fn x4(row: u32, column: u32, n_in: u32) -> vec4f {
    let at = row * n_in + column;
    if (column + 4u <= n_in) { return vec4f(x[at], x[at + 1u], x[at + 2u], x[at + 3u]); }
    var four = vec4f(x[at], 0.0, 0.0, 0.0);
    if (column + 1u < n_in) { four.y = x[at + 1u]; }
    if (column + 2u < n_in) { four.z = x[at + 2u]; }
    return four;
}
