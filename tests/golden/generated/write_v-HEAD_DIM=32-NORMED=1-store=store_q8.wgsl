// write_v: each head of v normed, without a weight, or as it is, into the cache's ring.
//   0 v        read   [tokens, kv_heads, HEAD_DIM]
//   1 cache    write  [ring, kv_heads, ROW_WORDS]
//   2 state    read
//   3 shape    uniform
// grid: (kv_heads, tokens)
const LANES: u32 = 64u;
const HEAD_DIM: u32 = 32u;
const NORMED: u32 = 1u;
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
// The sum of every lane's value, the same in all lanes. Ends on a barrier, so it can be called again.
var<workgroup> partial_sums: array<f32, LANES>;

fn reduce_sum(value: f32, lane: u32) -> f32 {
    partial_sums[lane] = value;
    workgroupBarrier();
    for (var half = LANES / 2u; half > 0u; half >>= 1u) {
        if (lane < half) { partial_sums[lane] += partial_sums[lane + half]; }
        workgroupBarrier();
    }
    let sum = partial_sums[0];
    workgroupBarrier();
    return sum;
}

struct Shape { kv_heads: u32, ring: u32, eps: f32 }
@group(0) @binding(0) var<storage, read> v: array<f32>;
@group(0) @binding(1) var<storage, read_write> cache: array<u32>;
@group(0) @binding(2) var<storage, read> state: State;
@group(0) @binding(3) var<uniform> shape: Shape;

var<workgroup> head: array<f32, HEAD_DIM>;
// store_head: the workgroup's `head` row into the cache as i8 codes and one f32 scale, max / 127.
const ROW_WORDS: u32 = HEAD_DIM / 4u + 1u;

var<workgroup> largest: array<f32, LANES>;

fn store_head(base: u32, lane: u32) {
    var mine = 0.0;
    for (var i = lane; i < HEAD_DIM; i += LANES) { mine = max(mine, abs(head[i])); }
    largest[lane] = mine;
    workgroupBarrier();
    for (var half = LANES / 2u; half > 0u; half >>= 1u) {
        if (lane < half) { largest[lane] = max(largest[lane], largest[lane + half]); }
        workgroupBarrier();
    }
    let scale = largest[0] / 127.0;
    let inverse = select(1.0 / scale, 0.0, scale == 0.0);
    for (var i = lane; i < HEAD_DIM / 4u; i += LANES) {
        let four = vec4f(head[4u * i], head[4u * i + 1u], head[4u * i + 2u], head[4u * i + 3u]);
        let codes = bitcast<vec4u>(vec4i(round(four * inverse))) & vec4u(255u);
        cache[base + i] = codes.x | (codes.y << 8u) | (codes.z << 16u) | (codes.w << 24u);
    }
    if (lane == 0u) { cache[base + HEAD_DIM / 4u] = bitcast<u32>(scale); }
}

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
