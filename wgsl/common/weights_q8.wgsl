// weight4: four neighbours of a row. Codes i8, four a word; an f16 scale for each 32 of a row.
//! include half
@group(0) @binding(3) var<storage, read> codes: array<u32>;
@group(0) @binding(4) var<storage, read> scales: array<Half2>;

fn weight4(row: u32, column: u32, n_in: u32) -> vec4f {
    let at = row * n_in + column;
    let word = bitcast<i32>(codes[at / 4u]);
    let code = vec4f(
        f32(extractBits(word, 0u, 8u)),
        f32(extractBits(word, 8u, 8u)),
        f32(extractBits(word, 16u, 8u)),
        f32(extractBits(word, 24u, 8u)),
    );
    let block = at / 32u;
    return code * unpack_half(scales[block / 2u])[block & 1u];
}
