// A block of W, zero past the row's end, for rows that are not whole blocks. Values as f32.
//! include block
@group(0) @binding(VALUES_SLOT) var<storage, read> values: array<f32>;

fn weight_block(row: u32, block: u32, n_in: u32) -> Block {
    var found = Block();
    for (var i = 0u; i < min(BLOCK, n_in - block * BLOCK); i++) {
        found[i / 4u][i % 4u] = values[row * n_in + block * BLOCK + i];
    }
    return found;
}

fn weight_four(row: u32, four: u32, n_in: u32) -> vec4f {
    var found = vec4f();
    for (var i = 0u; i < 4u; i++) {
        if (four * 4u + i < n_in) { found[i] = values[row * n_in + four * 4u + i]; }
    }
    return found;
}

fn weight_scale(row: u32, block: u32, n_in: u32) -> f32 { return 1.0; }
