// A block of W, zero past the row's end, for rows that are not whole blocks. Values as bf16, two a word.
//! include block
//! include bf16
@group(0) @binding(VALUES_SLOT) var<storage, read> values: array<u32>;

fn weight_block(row: u32, block: u32, n_in: u32) -> Block {
    var found = Block();
    for (var i = 0u; i < min(BLOCK, n_in - block * BLOCK); i += 2u) {
        let pair = unpack_bf16(values[(row * n_in + block * BLOCK + i) / 2u]);
        found[i / 4u][i % 4u] = pair.x;
        found[i / 4u][i % 4u + 1u] = pair.y;
    }
    return found;
}

fn pair_or_zero(row: u32, column: u32, n_in: u32) -> vec2f {
    if (column >= n_in) { return vec2f(); }
    return unpack_bf16(values[(row * n_in + column) / 2u]);
}

fn weight_four(row: u32, four: u32, n_in: u32) -> vec4f {
    return vec4f(pair_or_zero(row, four * 4u, n_in), pair_or_zero(row, four * 4u + 2u, n_in));
}

fn weight_scale(row: u32, block: u32, n_in: u32) -> f32 { return 1.0; }
