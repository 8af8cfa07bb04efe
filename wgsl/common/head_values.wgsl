// A head of qkv on its way to a query or to the cache: read, normed, weighted, turned, stored.
//! include head
//! include rope
@group(0) @binding(QKV_SLOT) var<storage, read_write> qkv: array<vec4f>;
@group(0) @binding(VECTORS_SLOT) var<storage, read> vectors: array<vec4f>;
const IS_Q: u32 = 0u;
const IS_K: u32 = 1u;
const IS_V: u32 = 2u;

// Of the queries' heads, and K and V after them.
fn kind_of(i: u32, heads: u32) -> u32 { return select(i + 1u - heads, IS_Q, i < heads); }

fn head_values(at: u32) -> Pairs { return Pairs(qkv[at], qkv[at + TEAM]); }

fn norm_values(kind: u32, member: u32) -> Pairs {
    if (kind == IS_V) { return Pairs(vec4f(1.0), vec4f(1.0)); }
    let at = select(shape.k_norm, shape.q_norm, kind == IS_Q) + member;
    return Pairs(vectors[at], vectors[at + TEAM]);
}

// A head's values of which the sum of squares is known: V is normed where the model norms it, and not turned.
fn finished(x: Pairs, norm: Pairs, squares: f32, kind: u32, by: Angles) -> Pairs {
    var low = x.low;
    var high = x.high;
    if (kind != IS_V || shape.v_norm == 1u) {
        let factor = inverseSqrt(squares / f32(HEAD_DIM) + shape.eps);
        low *= factor * norm.low;
        high *= factor * norm.high;
    }
    if (kind == IS_V) { return Pairs(low, high); }
    return Pairs(low * by.cos - high * by.sin, high * by.cos + low * by.sin);
}

// A row of K or V into the cache.
fn store_row(base: u32, row: Row, is_v: bool, member: u32) {
    let at = base + member;
    if (is_v) { v[at] = row.low; v[at + TEAM] = row.high; } else { k[at] = row.low; k[at + TEAM] = row.high; }
    if (ROW == 2u * TEAM || member > 0u) { return; }
    if (is_v) { v[base + ROW - 1u] = row.scale; } else { k[base + ROW - 1u] = row.scale; }
}
