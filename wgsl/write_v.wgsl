// write_v: each head of v normed, without a weight, or as it is, into the cache's ring.
//   0 v        read   [tokens, kv_heads, HEAD_DIM]
//   1 cache    write  [ring, kv_heads, ROW_WORDS]
//   2 state    read
//   3 shape    uniform
// grid: (kv_heads, tokens)
//! param
const LANES: u32 = 64u;
const HEAD_DIM: u32 = 256u;
const NORMED: u32 = 1u;
//! end
//! include state
//! include reduce_sum

struct Shape { kv_heads: u32, ring: u32, eps: f32 }
@group(0) @binding(0) var<storage, read> v: array<f32>;
@group(0) @binding(1) var<storage, read_write> cache: array<u32>;
@group(0) @binding(2) var<storage, read> state: State;
@group(0) @binding(SHAPE_SLOT) var<uniform> shape: Shape;

var<workgroup> head: array<f32, HEAD_DIM>;
//! include store

@compute @workgroup_size(LANES)
fn write_v(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let token = group.y;
    if (token >= state.tokens) { return; }
    let base = (token * shape.kv_heads + group.x) * HEAD_DIM;
    var factor = 1.0;
    if (NORMED == 1u) {
        var squares = 0.0;
        for (var i = lane; i < HEAD_DIM; i += LANES) { squares += v[base + i] * v[base + i]; }
        factor = inverseSqrt(reduce_sum(squares, lane) / f32(HEAD_DIM) + shape.eps);
    }
    for (var i = lane; i < HEAD_DIM; i += LANES) { head[i] = v[base + i] * factor; }
    workgroupBarrier();
    store_head(((state.position + token) % shape.ring * shape.kv_heads + group.x) * ROW_WORDS, lane);
}
