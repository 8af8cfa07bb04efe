// A block of W as int8 codes: scales (f32) come after the sum. Codes u4 offset by 8, eight a word; in the
// upper half of a byte whose first bit is turned they are 16 times what they stand for.
//! include block
//! include packed_block
@group(0) @binding(CODES_SLOT) var<storage, read> codes: array<vec4u>;
@group(0) @binding(SCALES_SLOT) var<storage, read> scales: array<f32>;
const SHIFT: u32 = 4u;  // by which the codes are too large

fn signed(word: vec4u) -> vec4u { return (word & vec4u(0xf0f0f0f0u)) ^ vec4u(0x80808080u); }

fn weight_codes(row: u32, block: u32, n_in: u32) -> Codes {
    let c = codes[row * (n_in / BLOCK) + block];
    return Codes(signed(c << vec4u(4u)), signed(c));  // every word's even columns, and its odd ones
}

fn even(x: vec4f, y: vec4f) -> u32 { return pack(x.x, x.z, y.x, y.z); }
fn odd(x: vec4f, y: vec4f) -> u32 { return pack(x.y, x.w, y.y, y.w); }

fn pack_block(x: Block) -> Codes {
    return Codes(vec4u(even(x[0], x[1]), even(x[2], x[3]), even(x[4], x[5]), even(x[6], x[7])),
                 vec4u(odd(x[0], x[1]), odd(x[2], x[3]), odd(x[4], x[5]), odd(x[6], x[7])));
}
