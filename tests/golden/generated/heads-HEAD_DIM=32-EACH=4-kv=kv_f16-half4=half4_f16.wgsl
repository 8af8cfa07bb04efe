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
    parted: u32,  // whether attention leaves parts of each split, to be merged
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

fn codes_of(four: Four) -> vec4f { return unpack_half4(four); }
fn k_scale(base: u32) -> f32 { return 1.0; }
fn v_scale(base: u32) -> f32 { return 1.0; }
fn k4(base: u32, i: u32) -> vec4f { return codes_of(k[base + i]); }
fn v4(base: u32, i: u32) -> vec4f { return codes_of(v[base + i]); }
// A head on its way to the cache, in the registers of a team of lanes.
const TEAM: u32 = HEAD_DIM / 8u;
const TEAMS: u32 = LANES / TEAM;  // lanes past the last team only wait

struct Pairs { low: vec4f, high: vec4f }  // four neighbours of a head, and their partners half a head on
struct Row { low: Four, high: Four, scale: Four }  // the same as the cache holds them, and what follows the last
fn encoded(x: Pairs, lane: u32) -> Row { return Row(pack_half4(x.low), pack_half4(x.high), Four()); }
// Some compilers take what goes to f16 and back for what it was: to quantize it once more changes nothing else.
fn decoded(four: Four, scale: Four) -> vec4f { return quantizeToF16(unpack_half4(four)); }
// make_head: heads of qkv, each by a team of lanes. A lane has four neighbouring pairs of a head's values in
// registers.
// A head of qkv on its way to a query or to the cache: read, normed, weighted, turned, stored.
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
const IS_Q: u32 = 0u;
const IS_K: u32 = 1u;
const IS_V: u32 = 2u;

// Of the queries' heads, and K and V after them.
fn kind_of(i: u32, heads: u32) -> u32 { return select(i + 1u - heads, IS_Q, i < heads); }

fn head_values(at: u32) -> Pairs { return Pairs(qkv[at], qkv[at + TEAM]); }

fn norm_values(kind: u32, member: u32) -> Pairs {
    if (kind == IS_V) { return Pairs(vec4f(1.0), vec4f(1.0)); }
    let at = select(shape.k_norm, shape.q_norm, kind == IS_Q) + member;
    return Pairs(vectors[at], vectors[at + TEAM]);
}

// A head's values of which the sum of squares is known: V is normed where the model norms it, and not turned.
fn finished(x: Pairs, norm: Pairs, squares: f32, kind: u32, by: Angles) -> Pairs {
    var low = x.low;
    var high = x.high;
    if (kind != IS_V || shape.v_norm == 1u) {
        let factor = inverseSqrt(squares / f32(HEAD_DIM) + shape.eps);
        low *= factor * norm.low;
        high *= factor * norm.high;
    }
    if (kind == IS_V) { return Pairs(low, high); }
    return Pairs(low * by.cos - high * by.sin, high * by.cos + low * by.sin);
}

// A row of K or V into the cache.
fn store_row(base: u32, row: Row, is_v: bool, member: u32) {
    let at = base + member;
    if (is_v) { v[at] = row.low; v[at + TEAM] = row.high; } else { k[at] = row.low; k[at + TEAM] = row.high; }
    if (ROW == 2u * TEAM || member > 0u) { return; }
    if (is_v) { v[base + ROW - 1u] = row.scale; } else { k[base + ROW - 1u] = row.scale; }
}
var<workgroup> squares: array<f32, LANES>;
var<workgroup> of_teams: array<f32, TEAMS + 1u>;

// The head at `at` of qkv, in fours, in the lanes that are its team's. Every lane is to come here: there are barriers.
fn make_head(at: u32, kind: u32, is_own: bool, by: Angles, lane: u32) -> Pairs {
    let member = lane % TEAM;
    var found = Pairs();
    if (is_own) { found = head_values(at + member); }
    squares[lane] = dot(found.low, found.low) + dot(found.high, found.high);
    workgroupBarrier();
    if (member == 0u) {
        var all = 0.0;
        for (var i = lane; i < min(LANES, lane + TEAM); i++) { all += squares[i]; }
        of_teams[lane / TEAM] = all;
    }
    workgroupBarrier();
    return finished(found, norm_values(kind, member), of_teams[lane / TEAM], kind, by);
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
        let kv_number = (number - shape.heads) / shape.kv_heads;  // of a head of K or V: 0 or 1
        let kind = select(IS_K + kv_number, IS_Q, number < shape.heads);
        let made = make_head(at, kind, writes, turns, lane);
        if (kind == IS_Q) {
            if (writes) { qkv[at + member] = made.low; qkv[at + member + TEAM] = made.high; }
            continue;
        }
        let kv_head = (number - shape.heads) % shape.kv_heads;
        let row = encoded(made, lane);
        if (writes) { store_row((position % shape.ring * shape.kv_heads + kv_head) * ROW, row, kind == IS_V, member); }
    }
}
