// A block of W as codes: scales (f32) come after the sum, or from the table's. Codes u2 offset by 2,
// sixteen a word, low bits first.
//! include block
//! include crumbs
@group(0) @binding(CODES_SLOT) var<storage, read> codes: array<vec2u>;
@group(0) @binding(SCALES_SLOT) var<storage, read> scales: array<f32>;

fn weight_block(row: u32, block: u32, n_in: u32) -> Block {
    let c = codes[row * (n_in / BLOCK) + block];
    return Block(crumbs(c.x), crumbs(c.x >> 8u), crumbs(c.x >> 16u), crumbs(c.x >> 24u),
                 crumbs(c.y), crumbs(c.y >> 8u), crumbs(c.y >> 16u), crumbs(c.y >> 24u));
}

fn weight_four(row: u32, four: u32, n_in: u32) -> vec4f {
    return crumbs(codes[row * (n_in / BLOCK) + four / 8u][four / 4u % 2u] >> (8u * (four % 4u)));
}

fn weight_scale(row: u32, block: u32, n_in: u32) -> f32 { return 1.0; }
