// A token's row of x, zero past its end, for rows that are not whole blocks: four neighbours, and a block.
//! include block
@group(0) @binding(X_SLOT) var<storage, read> x: array<f32>;

fn x_four(token: u32, four: u32, n_in: u32) -> vec4f {
    let first = four * 4u;
    var found = vec4f();
    if (first >= n_in) { return found; }
    for (var i = 0u; i < min(4u, n_in - first); i++) { found[i] = x[token * n_in + first + i]; }
    return found;
}

fn x_block(token: u32, block: u32, n_in: u32) -> Block {
    let four = block * (BLOCK / 4u);
    return Block(
        x_four(token, four, n_in), x_four(token, four + 1u, n_in),
        x_four(token, four + 2u, n_in), x_four(token, four + 3u, n_in),
        x_four(token, four + 4u, n_in), x_four(token, four + 5u, n_in),
        x_four(token, four + 6u, n_in), x_four(token, four + 7u, n_in));
}
