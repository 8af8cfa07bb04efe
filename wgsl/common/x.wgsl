// A token's row of x: four neighbours, and a block.
//! include block
@group(0) @binding(X_SLOT) var<storage, read> x: array<vec4f>;

fn x_four(token: u32, four: u32, n_in: u32) -> vec4f { return x[token * (n_in / 4u) + four]; }

fn x_block(token: u32, block: u32, n_in: u32) -> Block {
    let at = (token * n_in + block * BLOCK) / 4u;
    return Block(x[at], x[at + 1u], x[at + 2u], x[at + 3u], x[at + 4u], x[at + 5u], x[at + 6u], x[at + 7u]);
}
