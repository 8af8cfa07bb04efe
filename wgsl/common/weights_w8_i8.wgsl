// A block of W as int8 codes: scales (f32) come after the sum. Codes i8, four a word.
//! include block
//! include packed_block
@group(0) @binding(CODES_SLOT) var<storage, read> codes: array<vec4u>;
@group(0) @binding(SCALES_SLOT) var<storage, read> scales: array<f32>;
const SHIFT: u32 = 0u;  // by which the codes are too large

fn weight_codes(row: u32, block: u32, n_in: u32) -> Codes {
    let at = (row * (n_in / BLOCK) + block) * 2u;
    return Codes(codes[at], codes[at + 1u]);
}

fn four(x: vec4f) -> u32 { return pack(x.x, x.y, x.z, x.w); }

fn pack_block(x: Block) -> Codes {
    return Codes(vec4u(four(x[0]), four(x[1]), four(x[2]), four(x[3])),
                 vec4u(four(x[4]), four(x[5]), four(x[6]), four(x[7])));
}
