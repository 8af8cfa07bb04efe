// A block of W: values as bf16, two a word.
//! include block
//! include bf16
@group(0) @binding(VALUES_SLOT) var<storage, read> values: array<u32>;

fn four_bf16(at: u32) -> vec4f { return vec4f(unpack_bf16(values[at]), unpack_bf16(values[at + 1u])); }

fn weight_block(row: u32, block: u32, n_in: u32) -> Block {
    let at = (row * n_in + block * BLOCK) / 2u;
    return Block(four_bf16(at), four_bf16(at + 2u), four_bf16(at + 4u), four_bf16(at + 6u),
                 four_bf16(at + 8u), four_bf16(at + 10u), four_bf16(at + 12u), four_bf16(at + 14u));
}

fn weight_four(row: u32, four: u32, n_in: u32) -> vec4f { return four_bf16((row * n_in) / 2u + four * 2u); }

fn weight_scale(row: u32, block: u32, n_in: u32) -> f32 { return 1.0; }
