enable subgroups;
// ple_merge: the per-layer inputs, (rms(context · scale) · weight + token part) / √2, in place.
//   0 context  both   [tokens, layers, n]
//   1 token    read   [tokens, layers, n]
//   2 weight   read   [n]
//   3 state    read
//   4 shape    uniform
// grid: (layers, tokens)
const LANES: u32 = 64u;
// The words that change from token to token: see contracts/state.py.
struct State {
    position: u32,
    tokens: u32,
    written: u32,
    seed: u32,
    top_k: u32,
    temperature: f32,
    top_p: f32,
    capacity: u32,
}
// The sum of every lane's value, with one round of memory after the subgroups'. Ends on a barrier, so it can
// be called again. Each lane stores its subgroup's sum divided by the subgroup's size, which is exact: sizes
// are powers of two, and no lane need be told from the others. Then each subgroup adds up all that is stored.
var<workgroup> partial_sums: array<f32, LANES>;

fn reduce_sum(value: f32, lane: u32) -> f32 {
    let size = subgroupAdd(1u);
    partial_sums[lane] = subgroupAdd(value) / f32(size);
    workgroupBarrier();
    var own = 0.0;
    for (var i = subgroupExclusiveAdd(1u); i < LANES; i += size) { own += partial_sums[i]; }
    let sum = subgroupAdd(own);
    workgroupBarrier();
    return sum;
}

struct Shape { n: u32, layers: u32, scale: f32, eps: f32 }
@group(0) @binding(0) var<storage, read_write> context: array<f32>;
@group(0) @binding(1) var<storage, read> token_part: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> state: State;
@group(0) @binding(4) var<uniform> shape: Shape;

@compute @workgroup_size(LANES)
fn ple_merge(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    if (group.y >= state.tokens) { return; }
    let base = (group.y * shape.layers + group.x) * shape.n;
    var squares = 0.0;
    for (var i = lane; i < shape.n; i += LANES) {
        let x = context[base + i] * shape.scale;
        squares += x * x;
    }
    let factor = inverseSqrt(reduce_sum(squares, lane) / f32(shape.n) + shape.eps) * shape.scale;
    for (var i = lane; i < shape.n; i += LANES) {
        let normed = context[base + i] * factor * weight[i];
        context[base + i] = (normed + token_part[base + i]) * 0.7071067811865476;
    }
}
