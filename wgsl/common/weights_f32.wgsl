// A block of W: values as f32.
//! include block
@group(0) @binding(VALUES_SLOT) var<storage, read> values: array<vec4f>;

fn weight_block(row: u32, block: u32, n_in: u32) -> Block {
    let at = (row * n_in + block * BLOCK) / 4u;
    return Block(values[at], values[at + 1u], values[at + 2u], values[at + 3u],
                 values[at + 4u], values[at + 5u], values[at + 6u], values[at + 7u]);
}

fn weight_four(row: u32, four: u32, n_in: u32) -> vec4f { return values[row * (n_in / 4u) + four]; }

fn weight_scale(row: u32, block: u32, n_in: u32) -> f32 { return 1.0; }
