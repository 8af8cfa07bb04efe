// A block of a token's row of x, zero past the row's end, for rows that are not whole blocks.
//! include block
@group(0) @binding(X_SLOT) var<storage, read> x: array<f32>;

fn x_block(token: u32, block: u32, n_in: u32) -> Block {
    var found = Block();
    for (var i = 0u; i < min(BLOCK, n_in - block * BLOCK); i++) {
        found[i / 4u][i % 4u] = x[token * n_in + block * BLOCK + i];
    }
    return found;
}
