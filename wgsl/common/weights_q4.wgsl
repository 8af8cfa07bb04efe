// weight4: four neighbours of a row. Codes u4 offset by 8, eight a word, low nibble first; an f16
// scale for each 32 of a row.
//! include half
@group(0) @binding(3) var<storage, read> codes: array<u32>;
@group(0) @binding(4) var<storage, read> scales: array<Half2>;

fn weight4(row: u32, column: u32, n_in: u32) -> vec4f {
    let at = row * n_in + column;
    let nibbles = codes[at / 8u] >> ((at & 4u) * 4u);
    let code = vec4f(vec4u(nibbles, nibbles >> 4u, nibbles >> 8u, nibbles >> 12u) & vec4u(15u));
    let block = at / 32u;
    return (code - 8.0) * unpack_half(scales[block / 2u])[block & 1u];
}
