enable f16;
enable subgroups;
// heads: of each token, the queries normed, weighted and turned in place; K likewise and V normed alone,
// into the cache's rings.
//   qkv        both   [tokens, stride]
//   vectors    read   norm weights
//   rope       read   see common/rope.wgsl
//   k, v       write  [ring, kv_heads, ROW]
//   state      read
//   shape      uniform
// grid: (heads, and 2 · kv_heads where the layer owns them, tokens)
const LANES: u32 = 64u;
const HEAD_DIM: u32 = 64u;
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
// The words of a step that deals with heads. qkv has `stride` columns: the queries' heads, then, where
// the layer owns them, those of K and of V. Offsets into `vectors` count floats.
struct Shape {
    heads: u32, kv_heads: u32, stride: u32,
    q_norm: u32, k_norm: u32, v_norm: u32,  // v_norm: whether v is normed, without a weight
    pairs: u32, eps: f32,
    window: u32, ring: u32, splits: u32,
    first_head: u32,  // where only K and V are wanted, the queries' heads are skipped
    owner: u32,  // whether the layer has K and V of its own
}
@group(0) @binding(3) var<storage, read_write> k: array<Four>;
@group(0) @binding(4) var<storage, read_write> v: array<Four>;
@group(0) @binding(5) var<storage, read> state: State;
@group(0) @binding(6) var<uniform> shape: Shape;
// A head's row of K or V in the cache as f16, four values an element.
// Four f16, bound as the device's own f16 type.
alias Half4 = vec4<f16>;
fn unpack_half4(four: Half4) -> vec4f { return vec4f(four); }
fn pack_half4(four: vec4f) -> Half4 { return vec4<f16>(four); }
alias Four = Half4;
const ROW: u32 = HEAD_DIM / 4u;

fn k4(base: u32, i: u32) -> vec4f { return unpack_half4(k[base + i]); }
fn v4(base: u32, i: u32) -> vec4f { return unpack_half4(v[base + i]); }
// One head of a token in workgroup memory: normed, weighted, turned.
var<workgroup> head: array<f32, HEAD_DIM>;
fn head4(i: u32) -> vec4f { return vec4f(head[4u * i], head[4u * i + 1u], head[4u * i + 2u], head[4u * i + 3u]); }
fn encode_head(lane: u32) {}
fn encoded(i: u32) -> Four { return pack_half4(head4(i)); }
// make_head: a head of qkv in workgroup memory: normed; weighted by `vectors` from `weight` on unless that
// is NO_WEIGHT; and turned by its position where `pairs` is not 0. Ends on a barrier.
// The sum of every lane's value, the same in all lanes, with one round of memory after the subgroups'.
// Each lane stores its subgroup's sum; one lane a subgroup is not known portably, so all are added
// and divided by the subgroup's size, which is exact: sizes are powers of two.
var<workgroup> partial_sums: array<f32, LANES>;

fn reduce_sum(value: f32, lane: u32) -> f32 {
    let size = subgroupAdd(1.0);
    partial_sums[lane] = subgroupAdd(value) / size;
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
@group(0) @binding(2) var<storage, read> rope: array<vec2f>;
const LOW_ROWS: u32 = 256u;

fn turn(pair: vec2f, index: u32, position: u32, pairs: u32) -> vec2f {
    if (index >= pairs) { return pair; }
    let low = rope[(position % LOW_ROWS) * pairs + index];
    let high = rope[(LOW_ROWS + position / LOW_ROWS) * pairs + index];
    let angle = vec2f(low.x * high.x - low.y * high.y, low.x * high.y + low.y * high.x);
    return vec2f(pair.x * angle.x - pair.y * angle.y, pair.y * angle.x + pair.x * angle.y);
}
@group(0) @binding(0) var<storage, read_write> qkv: array<f32>;
@group(0) @binding(1) var<storage, read> vectors: array<f32>;
const NO_WEIGHT: u32 = 0xffffffffu;

fn weighted(weight: u32, i: u32) -> f32 {
    if (weight == NO_WEIGHT) { return 1.0; }
    return vectors[weight + i];
}

fn make_head(at: u32, weight: u32, pairs: u32, position: u32, lane: u32) {
    var squares = 0.0;
    for (var i = lane; i < HEAD_DIM; i += LANES) { squares += qkv[at + i] * qkv[at + i]; }
    var factor = 1.0;
    if (weight != NO_WEIGHT || shape.v_norm == 1u) {
        factor = inverseSqrt(reduce_sum(squares, lane) / f32(HEAD_DIM) + shape.eps);
    }
    let half = HEAD_DIM / 2u;
    for (var i = lane; i < half; i += LANES) {
        let pair = vec2f(qkv[at + i] * weighted(weight, i), qkv[at + half + i] * weighted(weight, half + i));
        let turned = turn(pair * factor, i, position, pairs);
        head[i] = turned.x;
        head[half + i] = turned.y;
    }
    workgroupBarrier();
}

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
