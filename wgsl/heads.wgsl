// heads: of each token, the queries normed, weighted and turned in place; K likewise and V normed alone,
// into the cache's rings.
//   qkv        both   [tokens, stride]
//   vectors    read   norm weights
//   rope       read   see common/rope.wgsl
//   k, v       write  [ring, kv_heads, ROW]
//   state      read
//   shape      uniform
// grid: (heads, and 2 · kv_heads where the layer owns them, tokens)
//! param
const LANES: u32 = 64u;
const HEAD_DIM: u32 = 256u;
//! end
//! include state
//! include head_shape
@group(0) @binding(K_SLOT) var<storage, read_write> k: array<Four>;
@group(0) @binding(V_SLOT) var<storage, read_write> v: array<Four>;
@group(0) @binding(STATE_SLOT) var<storage, read> state: State;
@group(0) @binding(SHAPE_SLOT) var<uniform> shape: Shape;
//! include kv
//! include make_head

@compute @workgroup_size(LANES)
fn heads(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let token = group.y;
    if (token >= state.tokens) { return; }
    let position = state.position + token;
    let number = group.x + shape.first_head;
    let at = token * shape.stride + number * HEAD_DIM;
    if (number < shape.heads) {
        make_head(at, shape.q_norm, shape.pairs, position, lane);
        for (var i = lane; i < HEAD_DIM; i += LANES) { qkv[at + i] = head[i]; }
        return;
    }
    let kv = number - shape.heads;
    let is_k = kv < shape.kv_heads;
    make_head(at, select(NO_WEIGHT, shape.k_norm, is_k), select(0u, shape.pairs, is_k), position, lane);
    encode_head(lane);
    let base = (position % shape.ring * shape.kv_heads + kv % shape.kv_heads) * ROW;
    for (var i = lane; i < ROW; i += LANES) {
        if (is_k) { k[base + i] = encoded(i); } else { v[base + i] = encoded(i); }
    }
}
