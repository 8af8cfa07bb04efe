// A block of W as codes: scales (f32) come after the sum, or from the table's. Codes u4 offset by 8,
// eight a word, low nibble first.
//! include block
//! include nibbles
@group(0) @binding(CODES_SLOT) var<storage, read> codes: array<vec4u>;
@group(0) @binding(SCALES_SLOT) var<storage, read> scales: array<f32>;

fn weight_block(row: u32, block: u32, n_in: u32) -> Block {
    let c = codes[row * (n_in / BLOCK) + block];
    return Block(nibbles(c.x), nibbles(c.x >> 16u), nibbles(c.y), nibbles(c.y >> 16u),
                 nibbles(c.z), nibbles(c.z >> 16u), nibbles(c.w), nibbles(c.w >> 16u));
}

fn weight_four(row: u32, four: u32, n_in: u32) -> vec4f {
    return nibbles(codes[row * (n_in / BLOCK) + four / 8u][four / 2u % 4u] >> (16u * (four % 2u)));
}

fn weight_scale(row: u32, block: u32, n_in: u32) -> f32 { return 1.0; }
