// write_k: each head of k normed, weighted, turned by its position, into the cache's ring.
//   0 k        read   [tokens, kv_heads, HEAD_DIM]
//   1 weight   read   [HEAD_DIM]
//   2 rope     read   see common/rope.wgsl
//   3 cache    write  [ring, kv_heads, ROW_WORDS]
//   4 state    read
//   5 shape    uniform
// grid: (kv_heads, tokens)
const LANES: u32 = 64u;
const HEAD_DIM: u32 = 32u;
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
// turn: a pair of a head's values, rotated by position. No large angle meets sin or cos here: a row
// for position = low + 256 · high is the complex product of two rows, made in float64 by plan/rope.py.
// `rope` is [256 + ceil(capacity / 256), pairs], (cos, sin) each: the low rows, then the high rows.
const LOW_ROWS: u32 = 256u;

fn turn(pair: vec2f, index: u32, position: u32, pairs: u32) -> vec2f {
    if (index >= pairs) { return pair; }
    let low = rope[(position % LOW_ROWS) * pairs + index];
    let high = rope[(LOW_ROWS + position / LOW_ROWS) * pairs + index];
    let angle = vec2f(low.x * high.x - low.y * high.y, low.x * high.y + low.y * high.x);
    return vec2f(pair.x * angle.x - pair.y * angle.y, pair.y * angle.x + pair.x * angle.y);
}

struct Shape { kv_heads: u32, pairs: u32, ring: u32, eps: f32 }
@group(0) @binding(0) var<storage, read> k: array<f32>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read> rope: array<vec2f>;
@group(0) @binding(3) var<storage, read_write> cache: array<u32>;
@group(0) @binding(4) var<storage, read> state: State;
@group(0) @binding(5) var<uniform> shape: Shape;

var<workgroup> head: array<f32, HEAD_DIM>;
// store_head: the workgroup's `head` row into the cache as f16, two values a word.
const ROW_WORDS: u32 = HEAD_DIM / 2u;

fn store_head(base: u32, lane: u32) {
    for (var i = lane; i < ROW_WORDS; i += LANES) {
        cache[base + i] = pack2x16float(vec2f(head[2u * i], head[2u * i + 1u]));
    }
}

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
