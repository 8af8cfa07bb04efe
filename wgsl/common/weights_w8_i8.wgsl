// Sixteen of a row of W, or a block, as int8 codes: scales (f32) come after the sum. Codes i8, four a word.
//! include block
//! include packed_block
@group(0) @binding(CODES_SLOT) var<storage, read> codes: array<vec4u>;
@group(0) @binding(SCALES_SLOT) var<storage, read> scales: array<f32>;
const SHIFT: u32 = 0u;  // by which the codes are too large

fn weight_sixteen(row: u32, sixteen: u32, n_in: u32) -> vec4u { return codes[row * (n_in / 16u) + sixteen]; }

fn weight_codes(row: u32, block: u32, n_in: u32) -> Codes {
    return Codes(weight_sixteen(row, block * 2u, n_in), weight_sixteen(row, block * 2u + 1u, n_in));
}

fn pack_sixteen(x: mat4x4f) -> vec4u { return vec4u(pack(x[0]), pack(x[1]), pack(x[2]), pack(x[3])); }
