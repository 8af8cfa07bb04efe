// A block of W as codes, zero past the row's end, for rows that are not whole blocks: scales (f32) come
// after the sum, or from the table's. Codes u2, sixteen a word.
//! include block
//! include crumbs
@group(0) @binding(CODES_SLOT) var<storage, read> codes: array<u32>;
@group(0) @binding(SCALES_SLOT) var<storage, read> scales: array<f32>;

fn weight_block(row: u32, block: u32, n_in: u32) -> Block {
    var found = Block();
    let words = n_in / 16u;
    for (var i = 0u; i < min(2u, words - block * 2u); i++) {
        let word = codes[row * words + block * 2u + i];
        for (var j = 0u; j < 4u; j++) { found[4u * i + j] = crumbs(word >> (8u * j)); }
    }
    return found;
}

fn weight_four(row: u32, four: u32, n_in: u32) -> vec4f {
    if (four * 4u >= n_in) { return vec4f(); }
    return crumbs(codes[row * (n_in / 16u) + four / 4u] >> (8u * (four % 4u)));
}

fn weight_scale(row: u32, block: u32, n_in: u32) -> f32 { return 1.0; }
