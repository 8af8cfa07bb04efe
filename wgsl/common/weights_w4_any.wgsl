// A block of W as codes, zero past the row's end, for rows that are not whole blocks: scales (f32) come
// after the sum, or from the table's. Codes u4, eight a word.
//! include block
//! include nibbles
@group(0) @binding(CODES_SLOT) var<storage, read> codes: array<u32>;
@group(0) @binding(SCALES_SLOT) var<storage, read> scales: array<f32>;

fn weight_block(row: u32, block: u32, n_in: u32) -> Block {
    var found = Block();
    let words = n_in / 8u;
    for (var i = 0u; i < min(4u, words - block * 4u); i++) {
        let word = codes[row * words + block * 4u + i];
        found[2u * i] = nibbles(word);
        found[2u * i + 1u] = nibbles(word >> 16u);
    }
    return found;
}

fn weight_four(row: u32, four: u32, n_in: u32) -> vec4f {
    if (four * 4u >= n_in) { return vec4f(); }
    return nibbles(codes[row * (n_in / 8u) + four / 2u] >> (16u * (four % 2u)));
}

fn weight_scale(row: u32, block: u32, n_in: u32) -> f32 { return 1.0; }
