// write_k: each head of k normed, weighted, turned by its position, into the cache's ring.
//   0 k        read   [tokens, kv_heads, HEAD_DIM]
//   1 weight   read   [HEAD_DIM]
//   2 rope     read   see common/rope.wgsl
//   3 cache    write  [ring, kv_heads, ROW_WORDS]
//   4 state    read
//   5 shape    uniform
// grid: (kv_heads, tokens)
//! param
const LANES: u32 = 64u;
const HEAD_DIM: u32 = 256u;
//! end
//! include state
//! include reduce_sum
//! include rope

struct Shape { kv_heads: u32, pairs: u32, ring: u32, eps: f32 }
@group(0) @binding(0) var<storage, read> k: array<f32>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read> rope: array<vec2f>;
@group(0) @binding(3) var<storage, read_write> cache: array<u32>;
@group(0) @binding(4) var<storage, read> state: State;
@group(0) @binding(SHAPE_SLOT) var<uniform> shape: Shape;

var<workgroup> head: array<f32, HEAD_DIM>;
//! include store

@compute @workgroup_size(LANES)
fn write_k(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let token = group.y;
    if (token >= state.tokens) { return; }
    let position = state.position + token;
    let base = (token * shape.kv_heads + group.x) * HEAD_DIM;
    var squares = 0.0;
    for (var i = lane; i < HEAD_DIM; i += LANES) { squares += k[base + i] * k[base + i]; }
    let factor = inverseSqrt(reduce_sum(squares, lane) / f32(HEAD_DIM) + shape.eps);
    let half = HEAD_DIM / 2u;
    for (var i = lane; i < half; i += LANES) {
        let pair = vec2f(k[base + i] * weight[i], k[base + half + i] * weight[half + i]) * factor;
        let turned = turn(pair, i, position, shape.pairs);
        head[i] = turned.x;
        head[half + i] = turned.y;
    }
    workgroupBarrier();
    store_head((position % shape.ring * shape.kv_heads + group.x) * ROW_WORDS, lane);
}
