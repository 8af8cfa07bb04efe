// weight4: four neighbours of a row, zero past its end. Values as f16, two a word; n_in is even.
//! include half
@group(0) @binding(3) var<storage, read> values: array<Half2>;

fn weight4(row: u32, column: u32, n_in: u32) -> vec4f {
    let word = (row * n_in + column) / 2u;
    var four = vec4f(unpack_half(values[word]), 0.0, 0.0);
    if (column + 2u < n_in) {
        let upper = unpack_half(values[word + 1u]);
        four.z = upper.x;
        four.w = upper.y;
    }
    return four;
}
