// A block of W: values as f16, two a word.
//! include block
//! include half
@group(0) @binding(VALUES_SLOT) var<storage, read> values: array<Half2>;

fn pair_of_halves(at: u32) -> vec4f { return vec4f(unpack_half(values[at]), unpack_half(values[at + 1u])); }

fn weight_block(row: u32, block: u32, n_in: u32) -> Block {
    let at = (row * n_in + block * BLOCK) / 2u;
    return Block(pair_of_halves(at), pair_of_halves(at + 2u), pair_of_halves(at + 4u), pair_of_halves(at + 6u),
                 pair_of_halves(at + 8u), pair_of_halves(at + 10u), pair_of_halves(at + 12u), pair_of_halves(at + 14u));
}

fn weight_four(row: u32, four: u32, n_in: u32) -> vec4f { return pair_of_halves((row * n_in) / 2u + four * 2u); }

fn weight_scale(row: u32, block: u32, n_in: u32) -> f32 { return 1.0; }
