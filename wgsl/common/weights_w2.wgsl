// weight4: four neighbours of a row, as codes: scales (f32) come after the sum, or from table4.
// Codes u2 offset by 2, sixteen a word, low bits first.
@group(0) @binding(3) var<storage, read> codes: array<u32>;
@group(0) @binding(4) var<storage, read> scales: array<f32>;

fn weight4(row: u32, column: u32, n_in: u32) -> vec4f {
    let at = row * n_in + column;
    let pairs = codes[at / 16u] >> ((at & 12u) * 2u);
    return vec4f(vec4u(pairs, pairs >> 2u, pairs >> 4u, pairs >> 6u) & vec4u(3u)) - 2.0;
}
