// Sixteen of a row of W, or a block, as int8 codes: scales (f32) come after the sum. Codes u4 offset by 8, eight a
// word; in the upper half of a byte whose first bit is turned they are 16 times what they stand for.
//! include block
//! include packed_block
@group(0) @binding(CODES_SLOT) var<storage, read> codes: array<vec4u>;
@group(0) @binding(SCALES_SLOT) var<storage, read> scales: array<f32>;
const SHIFT: u32 = 4u;  // by which the codes are too large

// Both words' even columns, and their odd ones.
fn sixteen_codes(words: vec2u) -> vec4u {
    return (vec4u(words << vec2u(4u), words) & vec4u(0xf0f0f0f0u)) ^ vec4u(0x80808080u);
}

fn weight_sixteen(row: u32, sixteen: u32, n_in: u32) -> vec4u {
    let c = codes[row * (n_in / BLOCK) + sixteen / 2u];
    return sixteen_codes(select(c.xy, c.zw, sixteen % 2u == 1u));
}

fn weight_codes(row: u32, block: u32, n_in: u32) -> Codes {
    let c = codes[row * (n_in / BLOCK) + block];
    return Codes(sixteen_codes(c.xy), sixteen_codes(c.zw));
}

fn pack_sixteen(x: mat4x4f) -> vec4u {
    return vec4u(pack(vec4f(x[0].xz, x[1].xz)), pack(vec4f(x[2].xz, x[3].xz)),
                 pack(vec4f(x[0].yw, x[1].yw)), pack(vec4f(x[2].yw, x[3].yw)));
}
