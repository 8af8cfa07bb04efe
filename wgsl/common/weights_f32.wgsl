// weight4: four neighbours of a row, zero past its end. Values as f32.
@group(0) @binding(3) var<storage, read> values: array<f32>;

fn weight4(row: u32, column: u32, n_in: u32) -> vec4f {
    var four = vec4f();
    for (var i = 0u; i < min(4u, n_in - column); i++) { four[i] = values[row * n_in + column + i]; }
    return four;
}
