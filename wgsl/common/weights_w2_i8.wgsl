// A block of W as int8 codes: scales (f32) come after the sum. Codes u2 offset by 2, sixteen a word; in the
// first bits of a byte, the first of them turned, they are 64 times what they stand for.
//! include block
//! include packed_block
@group(0) @binding(CODES_SLOT) var<storage, read> codes: array<vec2u>;
@group(0) @binding(SCALES_SLOT) var<storage, read> scales: array<f32>;
const SHIFT: u32 = 6u;  // by which the codes are too large

fn signed(word: vec2u) -> vec2u { return (word & vec2u(0xc0c0c0c0u)) ^ vec2u(0x80808080u); }

fn weight_codes(row: u32, block: u32, n_in: u32) -> Codes {
    let c = codes[row * (n_in / BLOCK) + block];  // each byte's first column, second, third, fourth
    return Codes(vec4u(signed(c << vec2u(6u)), signed(c << vec2u(4u))), vec4u(signed(c << vec2u(2u)), signed(c)));
}

fn pack_block(x: Block) -> Codes {
    return Codes(
        vec4u(pack(x[0].x, x[1].x, x[2].x, x[3].x), pack(x[4].x, x[5].x, x[6].x, x[7].x),
              pack(x[0].y, x[1].y, x[2].y, x[3].y), pack(x[4].y, x[5].y, x[6].y, x[7].y)),
        vec4u(pack(x[0].z, x[1].z, x[2].z, x[3].z), pack(x[4].z, x[5].z, x[6].z, x[7].z),
              pack(x[0].w, x[1].w, x[2].w, x[3].w), pack(x[4].w, x[5].w, x[6].w, x[7].w)));
}
