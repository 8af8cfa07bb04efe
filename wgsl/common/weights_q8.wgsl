// A block of W: codes i8, four a word; an f16 scale for each.
//! include block
//! include half
//! include bytes
@group(0) @binding(CODES_SLOT) var<storage, read> codes: array<vec4u>;
@group(0) @binding(SCALES_SLOT) var<storage, read> scales: array<Half2>;

fn weight_block(row: u32, block: u32, n_in: u32) -> Block {
    let at = (row * (n_in / BLOCK) + block) * 2u;
    let a = codes[at];
    let b = codes[at + 1u];
    return Block(bytes(a.x), bytes(a.y), bytes(a.z), bytes(a.w), bytes(b.x), bytes(b.y), bytes(b.z), bytes(b.w));
}

fn weight_four(row: u32, four: u32, n_in: u32) -> vec4f {
    return bytes(codes[row * (n_in / 16u) + four / 4u][four % 4u]);
}

fn weight_scale(row: u32, block: u32, n_in: u32) -> f32 {
    let at = row * (n_in / BLOCK) + block;
    return unpack_half(scales[at / 2u])[at & 1u];
}
