// weight4: four neighbours of a row, as codes: scales (f32) come after the sum, or from table4.
// Codes i8, four a word.
@group(0) @binding(3) var<storage, read> codes: array<u32>;
@group(0) @binding(4) var<storage, read> scales: array<f32>;

fn weight4(row: u32, column: u32, n_in: u32) -> vec4f {
    let word = bitcast<i32>(codes[(row * n_in + column) / 4u]);
    return vec4f(
        f32(extractBits(word, 0u, 8u)),
        f32(extractBits(word, 8u, 8u)),
        f32(extractBits(word, 16u, 8u)),
        f32(extractBits(word, 24u, 8u)),
    );
}
