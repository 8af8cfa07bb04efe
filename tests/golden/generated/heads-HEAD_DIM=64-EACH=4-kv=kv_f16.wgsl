// heads: of each token, the queries normed, weighted and turned in place; K likewise and V normed alone,
// into the cache's rings. A team of lanes takes a token, and EACH of its heads in turn, whose angles are the
// same.
//   qkv        both   [tokens, stride]
//   vectors    read   norm weights
//   rope       read   see common/rope.wgsl
//   k, v       write  [ring, kv_heads, ROW]
//   state      read
//   shape      uniform
// grid: (heads / EACH, and 2 · kv_heads more where the layer owns them, tokens / TEAMS)
const LANES: u32 = 64u;
const HEAD_DIM: u32 = 64u;
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
// Four f16 in two words, without the shader-f16 feature.
alias Half4 = vec2u;
fn unpack_half4(four: Half4) -> vec4f { return vec4f(unpack2x16float(four.x), unpack2x16float(four.y)); }
fn pack_half4(four: vec4f) -> Half4 { return vec2u(pack2x16float(four.xy), pack2x16float(four.zw)); }
alias Four = Half4;
const ROW: u32 = HEAD_DIM / 4u;

fn k4(base: u32, i: u32) -> vec4f { return unpack_half4(k[base + i]); }
fn v4(base: u32, i: u32) -> vec4f { return unpack_half4(v[base + i]); }
// Heads in workgroup memory on their way to the cache, each made by a team of lanes.
const HALF: u32 = HEAD_DIM / 2u;
const TEAM: u32 = (HALF + 7u) / 8u;
const TEAMS: u32 = LANES / TEAM;  // lanes past the last team only wait
var<workgroup> held: array<f32, TEAMS * HEAD_DIM>;

fn held4(team: u32, i: u32) -> vec4f {
    let at = team * HEAD_DIM + 4u * i;
    return vec4f(held[at], held[at + 1u], held[at + 2u], held[at + 3u]);
}
fn encode_head(lane: u32) {}
fn encoded(team: u32, i: u32) -> Four { return pack_half4(held4(team, i)); }
// make_head: heads of qkv, each by a team of lanes: normed; weighted by `vectors` from `weight` on unless
// that is NO_WEIGHT; and turned by its position. A lane has eight pairs of a head's values in registers,
// TEAM apart; what lies past HALF is read as the last pair and counts for nothing.
// angles: (cos, sin) by which pairs of a head's values turn at a position. No large angle meets sin or cos
// here: a row for position = low + 256 · high is the complex product of two rows, made in float64 by
// plan/rope.py. `rope` is [256 + ceil(capacity / 256), pairs], (cos, sin) each: the low rows, then the high.
@group(0) @binding(2) var<storage, read> rope: array<vec2f>;
const LOW_ROWS: u32 = 256u;

fn angle(pair: u32, position: u32) -> vec2f {
    if (pair >= shape.pairs) { return vec2f(1.0, 0.0); }
    let low = rope[(position % LOW_ROWS) * shape.pairs + pair];
    let high = rope[(LOW_ROWS + position / LOW_ROWS) * shape.pairs + pair];
    return vec2f(low.x * high.x - low.y * high.y, low.x * high.y + low.y * high.x);
}

struct Angles { cos: vec4f, sin: vec4f }

fn angles(pairs: vec4u, position: u32) -> Angles {
    let x = angle(pairs.x, position);
    let y = angle(pairs.y, position);
    let z = angle(pairs.z, position);
    let w = angle(pairs.w, position);
    return Angles(vec4f(x.x, y.x, z.x, w.x), vec4f(x.y, y.y, z.y, w.y));
}
@group(0) @binding(0) var<storage, read_write> qkv: array<f32>;
@group(0) @binding(1) var<storage, read> vectors: array<f32>;
const NO_WEIGHT: u32 = 0xffffffffu;
var<workgroup> squares: array<f32, LANES>;

struct Pairs { low: vec4f, high: vec4f }  // values i and i + HALF
struct Head { first: Pairs, second: Pairs }
struct Turns { first: Angles, second: Angles }

fn first_pairs(member: u32) -> vec4u { return vec4u(member) + TEAM * vec4u(0u, 1u, 2u, 3u); }
fn second_pairs(member: u32) -> vec4u { return vec4u(member) + TEAM * vec4u(4u, 5u, 6u, 7u); }

fn turns_at(position: u32, member: u32) -> Turns {
    return Turns(angles(first_pairs(member), position), angles(second_pairs(member), position));
}

fn read_pairs(at: u32, pairs: vec4u) -> Pairs {
    let i = vec4u(at) + min(pairs, vec4u(HALF - 1u));
    return Pairs(vec4f(qkv[i.x], qkv[i.y], qkv[i.z], qkv[i.w]),
                 vec4f(qkv[i.x + HALF], qkv[i.y + HALF], qkv[i.z + HALF], qkv[i.w + HALF]));
}

fn sum_of_squares(x: Pairs, pairs: vec4u) -> f32 {
    return dot(select(vec4f(), x.low * x.low + x.high * x.high, pairs < vec4u(HALF)), vec4f(1.0));
}

fn times(x: Pairs, by: f32) -> Pairs { return Pairs(x.low * by, x.high * by); }

fn weighted(x: Pairs, weight: u32, pairs: vec4u) -> Pairs {
    if (weight == NO_WEIGHT) { return x; }
    let i = vec4u(weight) + min(pairs, vec4u(HALF - 1u));
    return Pairs(
        x.low * vec4f(vectors[i.x], vectors[i.y], vectors[i.z], vectors[i.w]),
        x.high * vec4f(vectors[i.x + HALF], vectors[i.y + HALF], vectors[i.z + HALF], vectors[i.w + HALF]));
}

fn turned(x: Pairs, by: Angles) -> Pairs {
    return Pairs(x.low * by.cos - x.high * by.sin, x.high * by.cos + x.low * by.sin);
}

// The head at `at` of qkv, normed unless it has no weight and V is not; `turning` is whether it turns. Every
// lane is to come here: there are barriers.
fn make_head(at: u32, weight: u32, turning: bool, turns: Turns, lane: u32) -> Head {
    let member = lane % TEAM;
    let first = read_pairs(at, first_pairs(member));
    let second = read_pairs(at, second_pairs(member));
    squares[lane] = sum_of_squares(first, first_pairs(member)) + sum_of_squares(second, second_pairs(member));
    workgroupBarrier();
    if (member == 0u) {
        var all = 0.0;
        for (var i = lane; i < min(LANES, lane + TEAM); i++) { all += squares[i]; }
        squares[lane] = all;
    }
    workgroupBarrier();
    let sum = squares[lane - member];
    workgroupBarrier();
    var factor = 1.0;
    if (weight != NO_WEIGHT || shape.v_norm == 1u) { factor = inverseSqrt(sum / f32(HEAD_DIM) + shape.eps); }
    let normed = Head(weighted(times(first, factor), weight, first_pairs(member)),
                      weighted(times(second, factor), weight, second_pairs(member)));
    if (!turning) { return normed; }
    return Head(turned(normed.first, turns.first), turned(normed.second, turns.second));
}

fn hold_pairs(at: u32, x: Pairs, pairs: vec4u) {
    let i = vec4u(at) + pairs;
    if (pairs.x < HALF) { held[i.x] = x.low.x; held[i.x + HALF] = x.high.x; }
    if (pairs.y < HALF) { held[i.y] = x.low.y; held[i.y + HALF] = x.high.y; }
    if (pairs.z < HALF) { held[i.z] = x.low.z; held[i.z + HALF] = x.high.z; }
    if (pairs.w < HALF) { held[i.w] = x.low.w; held[i.w + HALF] = x.high.w; }
}

// Into `held`, ready to be encoded. Ends on a barrier.
fn hold_head(made: Head, lane: u32) {
    let member = lane % TEAM;
    if (lane / TEAM < TEAMS) {
        hold_pairs(lane / TEAM * HEAD_DIM, made.first, first_pairs(member));
        hold_pairs(lane / TEAM * HEAD_DIM, made.second, second_pairs(member));
    }
    workgroupBarrier();
}

fn write_pairs(at: u32, x: Pairs, pairs: vec4u) {
    let i = vec4u(at) + pairs;
    if (pairs.x < HALF) { qkv[i.x] = x.low.x; qkv[i.x + HALF] = x.high.x; }
    if (pairs.y < HALF) { qkv[i.y] = x.low.y; qkv[i.y + HALF] = x.high.y; }
    if (pairs.z < HALF) { qkv[i.z] = x.low.z; qkv[i.z + HALF] = x.high.z; }
    if (pairs.w < HALF) { qkv[i.w] = x.low.w; qkv[i.w + HALF] = x.high.w; }
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
    let turns = turns_at(position, member);
    let first = shape.first_head + group.x * EACH;
    let count = shape.heads + 2u * shape.kv_heads * shape.owner;
    for (var number = first; number < min(first + EACH, count); number++) {
        let at = token * shape.stride + number * HEAD_DIM;
        let is_q = number < shape.heads;
        let is_v = number >= shape.heads + shape.kv_heads;
        let weight = select(select(shape.k_norm, NO_WEIGHT, is_v), shape.q_norm, is_q);
        let made = make_head(at, weight, !is_v, turns, lane);
        if (is_q) {
            if (writes) {
                write_pairs(at, made.first, first_pairs(member));
                write_pairs(at, made.second, second_pairs(member));
            }
            continue;
        }
        hold_head(made, lane);
        encode_head(lane);
        let kv_head = (number - shape.heads) % shape.kv_heads;
        let base = (position % shape.ring * shape.kv_heads + kv_head) * ROW;
        for (var i = member; i < ROW && writes; i += TEAM) {
            if (is_v) { v[base + i] = encoded(team, i); } else { k[base + i] = encoded(team, i); }
        }
    }
}
