enable f16;
// heads: of each token, the queries normed, weighted and turned in place; K likewise and V normed alone,
// into the cache's rings. A team of lanes takes a token, and EACH of its heads in turn, whose angles are the
// same.
//   qkv        both   [tokens, stride / 4]
//   vectors    read   norm weights, by fours
//   rope       read   see common/rope.wgsl
//   k, v       write  [ring, kv_heads, ROW]
//   state      read
//   shape      uniform
// grid: (heads / EACH, and 2 · kv_heads more where the layer owns them, tokens / TEAMS)
const LANES: u32 = 64u;
const HEAD_DIM: u32 = 32u;
const EACH: u32 = 4u;
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
// the layer owns them, those of K and of V. Offsets into `vectors` count fours.
struct Shape {
    heads: u32, kv_heads: u32, stride: u32,
    q_norm: u32, k_norm: u32, v_norm: u32,  // v_norm: whether v is normed, without a weight
    pairs: u32, eps: f32,
    window: u32, ring: u32, splits: u32,
    first_head: u32,  // where only K and V are wanted, the queries' heads are skipped
    owner: u32,  // whether the layer has K and V of its own
    first_group: u32, first_split: u32, first_key: u32, end_key: u32,  // of attention in parts: see kernels/parts.py
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
// A head on its way to the cache, in the registers of a team of lanes.
const TEAM: u32 = HEAD_DIM / 8u;
const TEAMS: u32 = LANES / TEAM;  // lanes past the last team only wait

struct Pairs { low: vec4f, high: vec4f }  // four neighbours of a head, and their partners half a head on
struct Row { low: Four, high: Four, scale: Four }  // the same as the cache holds them, and what follows the last
fn encoded(x: Pairs, lane: u32) -> Row { return Row(pack_half4(x.low), pack_half4(x.high), Four()); }
// make_head: heads of qkv, each by a team of lanes: normed; weighted by `vectors` from `weight` on unless
// that is NO_WEIGHT; and turned by its position. A lane has four neighbouring pairs of a head's values in
// registers.
// angles: (cos, sin) by which four pairs of a head's values turn at a position. No large angle meets sin or cos
// here: a row for position = low + 256 · high is the complex product of two rows, made in float64 by
// plan/rope.py. `rope` is [256 + ceil(capacity / 256), pairs / 4, (cos, sin)], fours: the low rows, then the high.
@group(0) @binding(2) var<storage, read> rope: array<vec4f>;
const LOW_ROWS: u32 = 256u;

struct Angles { cos: vec4f, sin: vec4f }

fn angles(four: u32, position: u32) -> Angles {
    if (4u * four >= shape.pairs) { return Angles(vec4f(1.0), vec4f()); }
    let row = shape.pairs / 2u;
    let low = position % LOW_ROWS * row + 2u * four;
    let high = (LOW_ROWS + position / LOW_ROWS) * row + 2u * four;
    let low_cos = rope[low];
    let low_sin = rope[low + 1u];
    let high_cos = rope[high];
    let high_sin = rope[high + 1u];
    return Angles(low_cos * high_cos - low_sin * high_sin, low_cos * high_sin + low_sin * high_cos);
}
@group(0) @binding(0) var<storage, read_write> qkv: array<vec4f>;
@group(0) @binding(1) var<storage, read> vectors: array<vec4f>;
const NO_WEIGHT: u32 = 0xffffffffu;
var<workgroup> squares: array<f32, LANES>;
var<workgroup> of_teams: array<f32, TEAMS + 1u>;

// The head at `at` of qkv, in fours, normed unless it has no weight and V is not; `turning` is whether it turns.
// Every lane is to come here: there are barriers.
fn make_head(at: u32, weight: u32, turning: bool, by: Angles, lane: u32) -> Pairs {
    let member = lane % TEAM;
    var low = qkv[at + member];
    var high = qkv[at + member + TEAM];
    squares[lane] = dot(low, low) + dot(high, high);
    workgroupBarrier();
    if (member == 0u) {
        var all = 0.0;
        for (var i = lane; i < min(LANES, lane + TEAM); i++) { all += squares[i]; }
        of_teams[lane / TEAM] = all;
    }
    workgroupBarrier();
    if (weight != NO_WEIGHT || shape.v_norm == 1u) {
        let factor = inverseSqrt(of_teams[lane / TEAM] / f32(HEAD_DIM) + shape.eps);
        low *= factor;
        high *= factor;
    }
    if (weight != NO_WEIGHT) {
        low *= vectors[weight + member];
        high *= vectors[weight + member + TEAM];
    }
    if (!turning) { return Pairs(low, high); }
    return Pairs(low * by.cos - high * by.sin, high * by.cos + low * by.sin);
}

// K or V into the cache, from `base` on, in the lanes that `write`. Every lane is to come here.
fn store_head(base: u32, x: Pairs, is_v: bool, writes: bool, lane: u32) {
    let row = encoded(x, lane);
    if (!writes) { return; }
    let at = base + lane % TEAM;
    if (is_v) { v[at] = row.low; v[at + TEAM] = row.high; } else { k[at] = row.low; k[at + TEAM] = row.high; }
    if (ROW == 2u * TEAM || lane % TEAM > 0u) { return; }
    if (is_v) { v[base + ROW - 1u] = row.scale; } else { k[base + ROW - 1u] = row.scale; }
}

@compute @workgroup_size(LANES)
fn heads(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    if (group.y * TEAMS >= state.tokens) { return; }
    let team = lane / TEAM;
    let member = lane % TEAM;
    let own = group.y * TEAMS + team;
    let writes = team < TEAMS && own < state.tokens;
    let token = min(own, state.tokens - 1u);
    let position = state.position + token;
    let turns = angles(member, position);
    let first = shape.first_head + group.x * EACH;
    let count = shape.heads + 2u * shape.kv_heads * shape.owner;
    for (var number = first; number < min(first + EACH, count); number++) {
        let at = token * (shape.stride / 4u) + number * (HEAD_DIM / 4u);
        let is_q = number < shape.heads;
        let is_v = number >= shape.heads + shape.kv_heads;
        let weight = select(select(shape.k_norm, NO_WEIGHT, is_v), shape.q_norm, is_q);
        let made = make_head(at, weight, !is_v, turns, lane);
        if (is_q) {
            if (writes) { qkv[at + member] = made.low; qkv[at + member + TEAM] = made.high; }
            continue;
        }
        let kv_head = (number - shape.heads) % shape.kv_heads;
        let base = (position % shape.ring * shape.kv_heads + kv_head) * ROW;
        store_head(base, made, is_v, writes, lane);
    }
}
