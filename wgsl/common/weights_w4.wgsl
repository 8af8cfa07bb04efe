// weight4: four neighbours of a row, as codes: scales (f32) come after the sum, or from table4.
// Codes u4 offset by 8, eight a word, low nibble first.
@group(0) @binding(3) var<storage, read> codes: array<u32>;
@group(0) @binding(4) var<storage, read> scales: array<f32>;

fn weight4(row: u32, column: u32, n_in: u32) -> vec4f {
    let at = row * n_in + column;
    let nibbles = codes[at / 8u] >> ((at & 4u) * 4u);
    return vec4f(vec4u(nibbles, nibbles >> 4u, nibbles >> 8u, nibbles >> 12u) & vec4u(15u)) - 8.0;
}
