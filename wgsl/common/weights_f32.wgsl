// weight4: four neighbours of a row, zero past its end. Values as f32.
@group(0) @binding(3) var<storage, read> values: array<f32>;

fn weight4(row: u32, column: u32, n_in: u32) -> vec4f {
    let at = row * n_in + column;
    if (column + 4u <= n_in) {
        return vec4f(values[at], values[at + 1u], values[at + 2u], values[at + 3u]);
    }
    var four = vec4f(values[at], 0.0, 0.0, 0.0);
    if (column + 1u < n_in) { four.y = values[at + 1u]; }
    if (column + 2u < n_in) { four.z = values[at + 2u]; }
    return four;
}
