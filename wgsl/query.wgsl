// query: each head of q normed, weighted, and turned by its position, in place.
//   0 q        both   [tokens, heads, HEAD_DIM]
//   1 weight   read   [HEAD_DIM]
//   2 rope     read   see common/rope.wgsl
//   3 state    read
//   4 shape    uniform
// grid: (heads, tokens)
//! param
const LANES: u32 = 64u;
const HEAD_DIM: u32 = 256u;
//! end
//! include state
//! include reduce_sum
//! include rope

struct Shape { heads: u32, pairs: u32, eps: f32 }
@group(0) @binding(0) var<storage, read_write> q: array<f32>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read> rope: array<vec2f>;
@group(0) @binding(3) var<storage, read> state: State;
@group(0) @binding(SHAPE_SLOT) var<uniform> shape: Shape;

@compute @workgroup_size(LANES)
fn query(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let token = group.y;
    if (token >= state.tokens) { return; }
    let base = (token * shape.heads + group.x) * HEAD_DIM;
    var squares = 0.0;
    for (var i = lane; i < HEAD_DIM; i += LANES) { squares += q[base + i] * q[base + i]; }
    let factor = inverseSqrt(reduce_sum(squares, lane) / f32(HEAD_DIM) + shape.eps);
    let half = HEAD_DIM / 2u;
    for (var i = lane; i < half; i += LANES) {
        let pair = vec2f(q[base + i] * weight[i], q[base + half + i] * weight[half + i]) * factor;
        let turned = turn(pair, i, state.position + token, shape.pairs);
        q[base + i] = turned.x;
        q[base + half + i] = turned.y;
    }
}
