// attend: up to four query heads that share a key head, against the keys they may see: softmax with a
// running maximum, and the values' weighted sum. The scale is 1.
// Keys come LANES at a time. Scores are a matrix product of 4 heads by 4 keys a lane, whose fours SPLITS
// neighbours share, so that they read neighbouring words; then each has one key's. After that SHARE lanes
// hold a row of values together, and PARTS such groups take every PARTS-th key. A long context is split
// over groups.
//   qkv        both   [tokens, stride]: queries ready, or raw (see queries)
//   k, v       both   [ring, kv_heads, ROW]
//   y          write  [tokens, heads, HEAD_DIM], or the parts of merge.wgsl where splits > 1
//   state      read
//   vectors, rope: see queries_raw
//   shape      uniform
// grid: (kv_heads · fours, tokens, splits)
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
@group(0) @binding(1) var<storage, read_write> k: array<Four>;
@group(0) @binding(2) var<storage, read_write> v: array<Four>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(4) var<storage, read> state: State;
@group(0) @binding(7) var<uniform> shape: Shape;
// A head's row of K or V in the cache as f32, four values an element.
alias Four = vec4f;
const ROW: u32 = HEAD_DIM / 4u;

fn k4(base: u32, i: u32) -> vec4f { return k[base + i]; }
fn v4(base: u32, i: u32) -> vec4f { return v[base + i]; }
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
fn encoded(team: u32, i: u32) -> Four { return held4(team, i); }
// Four of a row by four weights, and such sums made smaller: a column a weight.
fn outer(v: vec4f, by: vec4f) -> mat4x4f {
    return mat4x4f(v * by.x, v * by.y, v * by.z, v * by.w);
}

fn scaled(sums: mat4x4f, by: vec4f) -> mat4x4f {
    return mat4x4f(sums[0] * by.x, sums[1] * by.y, sums[2] * by.z, sums[3] * by.w);
}

const FOURS: u32 = HEAD_DIM / 4u;
const SHARE: u32 = min(LANES, FOURS);
const PARTS: u32 = LANES / SHARE;
const OWN: u32 = (FOURS + LANES - 1u) / LANES;  // fours of a row that a lane holds: 1 or 2
const SPLITS: u32 = 4u;  // of a key's fours
const KEY_SETS: u32 = LANES / SPLITS;
const LOWEST: vec4f = vec4f(-3.0e38);
var<workgroup> query: array<vec4f, 4u * FOURS>;  // [head][four]
var<workgroup> weights: array<vec4f, LANES>;  // of the four heads, at first their scores
var<workgroup> exchange: array<vec4f, 2u * LANES>;
var<workgroup> key_at: array<u32, LANES>;  // where a key's row begins in k and v
var<workgroup> parts: array<mat4x4f, min(PARTS - 1u, 1u) * LANES + 1u>;  // where there are some
// read_queries: four heads of one token, made here from qkv, zero where there are fewer. Where the layer
// owns K and V, the groups that see the newest key write it: all of them the same bytes.
// make_head: heads of qkv, each by a team of lanes: normed; weighted by `vectors` from `weight` on unless
// that is NO_WEIGHT; and turned by its position. A lane has eight pairs of a head's values in registers,
// TEAM apart; what lies past HALF is read as the last pair and counts for nothing.
// angles: (cos, sin) by which pairs of a head's values turn at a position. No large angle meets sin or cos
// here: a row for position = low + 256 · high is the complex product of two rows, made in float64 by
// plan/rope.py. `rope` is [256 + ceil(capacity / 256), pairs], (cos, sin) each: the low rows, then the high.
@group(0) @binding(6) var<storage, read> rope: array<vec2f>;
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
@group(0) @binding(5) var<storage, read> vectors: array<f32>;
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

fn put_queries(at: u32, x: Pairs, pairs: vec4u) {
    let i = vec4u(at) + pairs;
    let j = i + HALF;
    if (pairs.x < HALF) { query[i.x / 4u][i.x % 4u] = x.low.x; query[j.x / 4u][j.x % 4u] = x.high.x; }
    if (pairs.y < HALF) { query[i.y / 4u][i.y % 4u] = x.low.y; query[j.y / 4u][j.y % 4u] = x.high.y; }
    if (pairs.z < HALF) { query[i.z / 4u][i.z % 4u] = x.low.z; query[j.z / 4u][j.z % 4u] = x.high.z; }
    if (pairs.w < HALF) { query[i.w / 4u][i.w % 4u] = x.low.w; query[j.w / 4u][j.w % 4u] = x.high.w; }
}

fn read_queries(token: u32, first_head: u32, heads: u32, kv_head: u32, position: u32, newest: bool, lane: u32) {
    let team = lane / TEAM;
    let member = lane % TEAM;
    let turns = turns_at(position, member);
    let base = (position % shape.ring * shape.kv_heads + kv_head) * ROW;
    let owned = select(0u, 2u, shape.owner == 1u && newest);
    for (var first = 0u; first < heads + owned; first += TEAMS) {  // the queries, K, V: one a team
        let i = min(first + team, heads + owned - 1u);
        let is_own = team < TEAMS && i == first + team;
        let is_q = i < heads;
        let is_v = i == heads + 1u;
        let at = select(shape.heads + kv_head + select(0u, shape.kv_heads, is_v), first_head + i, is_q);
        let weight = select(select(shape.k_norm, NO_WEIGHT, is_v), shape.q_norm, is_q);
        let made = make_head(at * HEAD_DIM, weight, !is_v, turns, lane);
        if (is_q && is_own) {
            put_queries(i * HEAD_DIM, made.first, first_pairs(member));
            put_queries(i * HEAD_DIM, made.second, second_pairs(member));
        }
        if (owned == 0u || first + TEAMS <= heads) { continue; }  // the same for the whole workgroup
        hold_head(made, lane);
        encode_head(lane);
        for (var j = member; j < ROW && is_own && !is_q; j += TEAM) {
            if (is_v) { v[base + j] = encoded(team, j); } else { k[base + j] = encoded(team, j); }
        }
    }
    for (var i = heads * FOURS + lane; i < 4u * FOURS; i += LANES) { query[i] = vec4f(); }
    if (owned > 0u) { storageBarrier(); }
    workgroupBarrier();
}

@compute @workgroup_size(LANES)
fn attend(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let token = group.y;
    if (token >= state.tokens) { return; }
    let share = shape.heads / shape.kv_heads;
    let fours = (share + 3u) / 4u;
    let kv_head = group.x / fours;
    let first_head = kv_head * share + group.x % fours * 4u;
    let heads = min(4u, (kv_head + 1u) * share - first_head);
    let position = state.position + token;

    // the keys from start to end, cut into splits of whole LANES
    let oldest = position + 1u - min(position + 1u, shape.window);
    let each = (position + 1u - oldest + shape.splits * LANES - 1u) / (shape.splits * LANES) * LANES;
    let start = oldest + group.z * each;
    let end = min(position + 1u, start + each);
    read_queries(token, first_head, heads, kv_head, position, end == position + 1u && start < end, lane);

    let split = lane % SPLITS;  // which fours of a row are the lane's
    let key_set = lane / SPLITS;  // keys KEY_SETS apart
    var largest = LOWEST;
    var total = vec4f();
    var sums_0 = mat4x4f();  // a column a head
    var sums_1 = mat4x4f();  // where a lane holds two fours of a row
    for (var first = start; first < end; first += LANES) {
        let own = min(first + lane, end - 1u);  // what is past the end is read as the last, and weighs nothing
        key_at[lane] = (own % shape.ring * shape.kv_heads + kv_head) * ROW;
        workgroupBarrier();
        let rows = vec4u(key_at[key_set], key_at[key_set + KEY_SETS],
                         key_at[key_set + 2u * KEY_SETS], key_at[key_set + 3u * KEY_SETS]);
        var scores = mat4x4f();  // a column a key, of the four heads
        for (var i = split; i < FOURS; i += SPLITS) {
            let queries = mat4x4f(query[i], query[FOURS + i], query[2u * FOURS + i], query[3u * FOURS + i]);
            let keys = mat4x4f(k4(rows.x, i), k4(rows.y, i), k4(rows.z, i), k4(rows.w, i));
            scores += transpose(queries) * keys;
        }
        // the lanes of a set add up their parts, and each is left with one key
        let upper = split >= 2u;
        exchange[lane] = select(scores[2], scores[0], upper);
        exchange[LANES + lane] = select(scores[3], scores[1], upper);
        workgroupBarrier();
        let even = select(scores[0], scores[2], upper) + exchange[lane ^ 2u];
        let odd = select(scores[1], scores[3], upper) + exchange[LANES + (lane ^ 2u)];
        workgroupBarrier();
        exchange[lane] = select(odd, even, split % 2u == 1u);
        workgroupBarrier();
        let number = key_set + KEY_SETS * split;  // of the key among LANES
        let there = first + number < end;
        let score = select(LOWEST, select(even, odd, split % 2u == 1u) + exchange[lane ^ 1u], there);
        weights[number] = score;
        workgroupBarrier();
        var above = weights[lane / 8u * 8u];
        for (var i = 1u; i < 8u; i++) { above = max(above, weights[lane / 8u * 8u + i]); }
        exchange[lane / 8u] = above;
        workgroupBarrier();
        above = largest;
        for (var i = 0u; i < LANES / 8u; i++) { above = max(above, exchange[i]); }
        weights[number] = select(vec4f(), exp(score - above), there);
        workgroupBarrier();
        let shrink = exp(largest - above);
        largest = above;
        total *= shrink;
        sums_0 = scaled(sums_0, shrink);
        if (OWN > 1u) { sums_1 = scaled(sums_1, shrink); }
        for (var j = lane / SHARE; j < min(LANES, end - first); j += PARTS) {
            let row = key_at[j];
            let by = weights[j];
            total += by;
            sums_0 += outer(v4(row, lane % SHARE), by);
            if (OWN > 1u && lane + LANES < FOURS) { sums_1 += outer(v4(row, lane + LANES), by); }
        }
        workgroupBarrier();
    }
    if (PARTS > 1u) {  // every PARTS-th key was taken: add the parts up
        parts[lane] = sums_0;
        weights[lane] = total;
        workgroupBarrier();
        for (var part = 1u; part < PARTS; part++) {
            let other = (lane + part * SHARE) % LANES;
            sums_0 += parts[other];
            total += weights[other];
        }
    }
    if (lane >= SHARE) { return; }
    write_head(token, first_head, 0u, heads, lane, group.z, sums_0[0], largest.x, total.x);
    write_head(token, first_head, 1u, heads, lane, group.z, sums_0[1], largest.y, total.y);
    write_head(token, first_head, 2u, heads, lane, group.z, sums_0[2], largest.z, total.z);
    write_head(token, first_head, 3u, heads, lane, group.z, sums_0[3], largest.w, total.w);
    if (OWN > 1u && lane + LANES < FOURS) {
        write_head(token, first_head, 0u, heads, lane + LANES, group.z, sums_1[0], largest.x, total.x);
        write_head(token, first_head, 1u, heads, lane + LANES, group.z, sums_1[1], largest.y, total.y);
        write_head(token, first_head, 2u, heads, lane + LANES, group.z, sums_1[2], largest.z, total.z);
        write_head(token, first_head, 3u, heads, lane + LANES, group.z, sums_1[3], largest.w, total.w);
    }
}

// With splits, a head's part is FOURS fours of sums and one of (largest, total).
fn write_head(token: u32, first_head: u32, i: u32, heads: u32, four: u32, split: u32, sum: vec4f,
              largest: f32, total: f32) {
    if (i >= heads) { return; }
    let head = token * shape.heads + first_head + i;
    if (shape.splits == 1u) {
        y[head * FOURS + four] = sum / total;
        return;
    }
    let at = (head * shape.splits + split) * (FOURS + 1u);
    y[at + four] = sum;
    if (four == 0u) { y[at + FOURS] = vec4f(largest, total, 0.0, 0.0); }
}
