// Sixteen of a row of W, or a block, as int8 codes: scales (f32) come after the sum. Codes u2 offset by 2, sixteen a
// word; in the first bits of a byte, the first of them turned, they are 64 times what they stand for.
//! include block
//! include packed_block
@group(0) @binding(CODES_SLOT) var<storage, read> codes: array<vec2u>;
@group(0) @binding(SCALES_SLOT) var<storage, read> scales: array<f32>;
const SHIFT: u32 = 6u;  // by which the codes are too large

fn signed(word: vec4u) -> vec4u { return (word & vec4u(0xc0c0c0c0u)) ^ vec4u(0x80808080u); }

// Each byte's first column, second, third, fourth.
fn sixteen_codes(word: u32) -> vec4u { return signed(vec4u(word) << vec4u(6u, 4u, 2u, 0u)); }

fn weight_sixteen(row: u32, sixteen: u32, n_in: u32) -> vec4u {
    return sixteen_codes(codes[row * (n_in / BLOCK) + sixteen / 2u][sixteen % 2u]);
}

fn weight_codes(row: u32, block: u32, n_in: u32) -> Codes {
    let c = codes[row * (n_in / BLOCK) + block];
    return Codes(sixteen_codes(c.x), sixteen_codes(c.y));
}

fn pack_sixteen(x: mat4x4f) -> vec4u {
    let of_bytes = transpose(x);
    return vec4u(pack(of_bytes[0]), pack(of_bytes[1]), pack(of_bytes[2]), pack(of_bytes[3]));
}
