// attend: up to 4 · SETS query heads that share a key head, against the keys they may see: softmax with a
// running maximum, and the values' weighted sum. The scale is 1.
// Keys come KEYS at a time, for all heads. PER_SET lanes have four heads. SPLITS neighbours share two keys, and
// take the fours of their rows in turns. Their parts of the scores are added up, and half of the lanes are left with
// one key's of four heads (see share_out). Then FOURS lanes hold a row of values together, and PARTS such groups take
// every PARTS-th key. Turns go by fours and by eights, a known number that a compiler can unroll: eight loads are made
// before any is used then. A long context is split over groups.
//   qkv        both   [tokens, stride / 4]: queries ready, or raw (see queries)
//   k, v       both   [ring, kv_heads, ROW]
//   y          write  [tokens, heads, HEAD_DIM], or the parts of merge.wgsl where splits are wanted
//   state      read
//   vectors, rope: see queries_raw
//   shape      uniform
// grid: (kv_heads · groups of heads, tokens, splits)
const LANES: u32 = 128u;  // at least FOURS · SETS
const HEAD_DIM: u32 = 64u;
const SETS: u32 = 1u;  // of four heads, 1 or 2
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
@group(0) @binding(1) var<storage, read_write> k: array<Four>;
@group(0) @binding(2) var<storage, read_write> v: array<Four>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(4) var<storage, read> state: State;
@group(0) @binding(7) var<uniform> shape: Shape;
// A head's row of K or V in the cache as f16, four values an element.
// Four f16 in two words, without the shader-f16 feature.
alias Half4 = vec2u;
fn unpack_half4(four: Half4) -> vec4f { return vec4f(unpack2x16float(four.x), unpack2x16float(four.y)); }
fn pack_half4(four: vec4f) -> Half4 { return vec2u(pack2x16float(four.xy), pack2x16float(four.zw)); }
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
// Four of a row by four weights, and such sums made smaller: a column a weight.
fn outer(v: vec4f, by: vec4f) -> mat4x4f {
    return mat4x4f(v * by.x, v * by.y, v * by.z, v * by.w);
}

fn scaled(sums: mat4x4f, by: vec4f) -> mat4x4f {
    return mat4x4f(sums[0] * by.x, sums[1] * by.y, sums[2] * by.z, sums[3] * by.w);
}

const FOURS: u32 = HEAD_DIM / 4u;
const HEADS: u32 = 4u * SETS;
const SPLITS: u32 = 4u;  // of a key's fours
const PER_SET: u32 = LANES / SETS;
const KEY_SETS: u32 = PER_SET / SPLITS;
const KEYS: u32 = 2u * KEY_SETS;
const TURN: u32 = 4u * SPLITS;  // fours of a row that are read in a turn
const PADDED: u32 = (FOURS + TURN - 1u) / TURN * TURN;
const PARTS: u32 = min(PER_SET / FOURS, 8u);
const SPARE: u32 = PARTS / 2u * FOURS;  // where a head's parts lie as they are added up, instead of queries
const ROUND: u32 = 8u * PARTS;  // keys whose values are read in a turn
const ROUNDED: u32 = (KEYS + ROUND - 1u) / ROUND * ROUND;
const EIGHTS: u32 = KEYS / 8u;
const LOWEST: vec4f = vec4f(-1.0e38);  // so far from what overflows that scores may be taken from it
var<workgroup> query: array<vec4f, HEADS * max(PADDED, SPARE)>;  // [head][four], zero where there is none
var<workgroup> weights: array<vec4f, SETS * ROUNDED>;  // of a set's heads by key, at first their scores; zero past KEYS
var<workgroup> peaks: array<vec4f, SETS * EIGHTS>;
var<workgroup> exchange: array<vec4f, LANES>;  // of share_out; at first the newest key and value, where they are given
var<workgroup> newest_scores: array<f32, HEADS>;
// share_out: the sums of SPLITS neighbours' scores. Of those four lanes the first gets key a's, the second key
// b's. Every lane is to come here: there are barriers.
fn numbered(lane: u32) -> u32 { return lane; }

fn four_parts(lane: u32) -> vec4f {
    let first = lane - lane % SPLITS;
    return exchange[first] + exchange[first + 1u] + exchange[first + 2u] + exchange[first + 3u];
}

fn share_out(scores: Scores, lane: u32) -> vec4f {
    exchange[lane] = scores.a;
    workgroupBarrier();
    let of_a = four_parts(lane);
    workgroupBarrier();
    exchange[lane] = scores.b;
    workgroupBarrier();
    return select(of_a, four_parts(lane), lane % 2u == 1u);
}
// read_queries: the heads of a group for one token, made here from qkv, zero where there are fewer: in ROUNDS,
// a head a team of lanes, all loaded before any is made. Where the layer owns K and V, groups that see the
// newest key make these too: the first group of a key head writes them, and each takes them from `exchange`, as
// the cache holds them, with their scores in `newest_scores`. Nobody reads them from the cache in this dispatch.
// A head of qkv on its way to a query or to the cache: read, normed, weighted, turned, stored.
// angles: (cos, sin) by which four pairs of a head's values turn at a position. No large angle meets sin or cos
// here: a row for position = low + 256 · high is the complex product of two rows, made in float64 by
// plan/rope.py. `rope` is [256 + ceil(capacity / 256), pairs / 4, (cos, sin)], fours: the low rows, then the high.
@group(0) @binding(6) var<storage, read> rope: array<vec4f>;
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
@group(0) @binding(5) var<storage, read> vectors: array<vec4f>;
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
const ROUNDS: u32 = (HEADS + 2u + TEAMS - 1u) / TEAMS;  // 3 at most: queries, K, V
const TEAM_EIGHTS: u32 = (TEAM + 7u) / 8u;
const SCORERS: u32 = 16u;  // lanes that share a score
var<workgroup> eights: array<vec4f, TEAMS * TEAM_EIGHTS>;  // sums of squares, a component a round

fn read_queries(token: u32, first_head: u32, heads: u32, kv_head: u32, position: u32, newest: bool, lane: u32) -> bool {
    let team = lane / TEAM;
    let member = lane % TEAM;
    let given = shape.owner == 1u && newest;
    let count = heads + select(0u, 2u, given);
    let turns = angles(member, position);
    var found = array<Pairs, ROUNDS>();
    var squares = vec4f();
    for (var round = 0u; round < ROUNDS; round++) {
        let i = min(round * TEAMS + team, count - 1u);
        let kind = kind_of(i, heads);
        let at = select(shape.heads + kv_head + select(0u, shape.kv_heads, kind == IS_V), first_head + i, kind == IS_Q);
        found[round] = head_values(at * FOURS + member);
        squares[round] = dot(found[round].low, found[round].low) + dot(found[round].high, found[round].high);
    }
    exchange[lane] = squares;
    workgroupBarrier();
    if (team < TEAMS && member % 8u == 0u) {
        var sum = vec4f();
        for (var i = 0u; i < min(8u, TEAM - member); i++) { sum += exchange[lane + i]; }
        eights[team * TEAM_EIGHTS + member / 8u] = sum;
    }
    workgroupBarrier();
    squares = vec4f();
    for (var i = 0u; i < TEAM_EIGHTS; i++) { squares += eights[min(team, TEAMS - 1u) * TEAM_EIGHTS + i]; }
    let base = (position % shape.ring * shape.kv_heads + kv_head) * ROW;
    let writes = first_head == kv_head * (shape.heads / shape.kv_heads);
    for (var round = 0u; round < ROUNDS; round++) {
        let i = round * TEAMS + team;
        let kind = kind_of(min(i, count - 1u), heads);
        let made = finished(found[round], norm_values(kind, member), squares[round], kind, turns);
        let own = team < TEAMS && i < count;
        if (own && kind == IS_Q) {
            query[i * PADDED + member] = made.low;
            query[i * PADDED + member + TEAM] = made.high;
        }
        if (!given || (round + 1u) * TEAMS <= heads) { continue; }  // the same for the whole workgroup
        let row = encoded(made, lane);
        if (own && kind != IS_Q) {
            if (writes) { store_row(base, row, kind == IS_V, member); }
            let at = select(0u, FOURS, kind == IS_V) + member;
            exchange[at] = decoded(row.low, row.scale);
            exchange[at + TEAM] = decoded(row.high, row.scale);
        }
    }
    for (var i = lane; i < HEADS * PADDED; i += LANES) {
        if (i / PADDED >= heads || i % PADDED >= FOURS) { query[i] = vec4f(); }
    }
    workgroupBarrier();
    if (!given) { return false; }
    if (lane < HEADS * SCORERS) {
        var score = 0.0;
        for (var i = lane % SCORERS; i < FOURS; i += SCORERS) {
            score += dot(query[lane / SCORERS * PADDED + i], exchange[i]);
        }
        weights[lane] = vec4f(score);  // nobody has weights yet
    }
    workgroupBarrier();
    if (lane < HEADS) {
        var score = 0.0;
        for (var i = 0u; i < SCORERS; i++) { score += weights[lane * SCORERS + i].x; }
        newest_scores[lane] = score;
    }
    workgroupBarrier();
    return true;
}

struct Scores { a: vec4f, b: vec4f }  // of a lane's two keys

fn dot_onto(sum: f32, a: vec4f, b: vec4f) -> f32 {
    return sum + a.x * b.x + a.y * b.y + a.z * b.z + a.w * b.w;
}

// The scores with the products of a four of each of two keys.
fn scores_onto(s: Scores, at: u32, key_a: Four, key_b: Four) -> Scores {
    let a = codes_of(key_a);
    let b = codes_of(key_b);
    let q_0 = query[at];
    let a_0 = dot_onto(s.a.x, q_0, a);
    let b_0 = dot_onto(s.b.x, q_0, b);
    let q_1 = query[at + PADDED];
    let a_1 = dot_onto(s.a.y, q_1, a);
    let b_1 = dot_onto(s.b.y, q_1, b);
    let q_2 = query[at + 2u * PADDED];
    let a_2 = dot_onto(s.a.z, q_2, a);
    let b_2 = dot_onto(s.b.z, q_2, b);
    let q_3 = query[at + 3u * PADDED];
    return Scores(vec4f(a_0, a_1, a_2, dot_onto(s.a.w, q_3, a)), vec4f(b_0, b_1, b_2, dot_onto(s.b.w, q_3, b)));
}

fn k_four(row: u32, i: u32) -> Four { return k[row + select(min(i, FOURS - 1u), i, PADDED == FOURS)]; }

// Where the key that is so many after the one at `place` of the ring begins: fewer than the ring has.
fn row_after(place: u32, count: u32, kv_head: u32) -> u32 {
    let at = place + count;
    return (select(at, at - shape.ring, at >= shape.ring) * shape.kv_heads + kv_head) * ROW;
}

@compute @workgroup_size(LANES)
fn attend(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
    let token = group.y + shape.first_group;
    let own_split = group.z + shape.first_split;
    if (token >= state.tokens) { return; }
    let lane = numbered(index);
    let share = shape.heads / shape.kv_heads;
    let groups = (share + HEADS - 1u) / HEADS;
    let kv_head = group.x / groups;
    let first_head = kv_head * share + group.x % groups * HEADS;
    let heads = min(HEADS, (kv_head + 1u) * share - first_head);
    let position = state.position + token;

    // the keys from start to end, cut into splits of whole KEYS
    let oldest = position + 1u - min(position + 1u, shape.window);
    let each = (position + 1u - oldest + shape.splits * KEYS - 1u) / (shape.splits * KEYS) * KEYS;
    let start = oldest + own_split * each;
    let seen = min(position + 1u, start + each);
    let head_at = (token * shape.heads + first_head) * shape.splits + own_split;  // of parts, the next head's `splits` on
    if (start >= seen) {
        for (var i = lane; i < heads * (FOURS + 1u); i += LANES) {
            let ends = i % (FOURS + 1u) == FOURS;
            y[(head_at + i / (FOURS + 1u) * shape.splits) * (FOURS + 1u) + i % (FOURS + 1u)]
                = select(vec4f(), vec4f(LOWEST.x, 0.0, 0.0, 0.0), ends);
        }
        return;
    }
    let given = read_queries(token, first_head, heads, kv_head, position, seen == position + 1u, lane);
    let end = select(seen, position, given);  // what is given is not read: it is being written

    let own_set = lane / PER_SET;
    let split = lane % SPLITS;
    let key_set = lane % PER_SET / SPLITS;
    let part = lane % PER_SET / FOURS;
    let four = lane % PER_SET % FOURS;
    let own_weights = own_set * ROUNDED;
    for (var i = KEYS + lane % PER_SET; i < ROUNDED; i += PER_SET) { weights[own_weights + i] = vec4f(); }
    var largest = LOWEST;
    var total = vec4f();  // of the lane's own scores
    var sums = mat4x4f();  // a column a head
    if (given) {
        largest = vec4f(newest_scores[4u * own_set], newest_scores[4u * own_set + 1u],
                        newest_scores[4u * own_set + 2u], newest_scores[4u * own_set + 3u]);
        if (key_set == 0u && split == 0u) { total = vec4f(1.0); }
        if (part == 0u) { sums = outer(exchange[FOURS + four], vec4f(1.0)); }
        workgroupBarrier();
    }
    for (var first = start; first < end; first += KEYS) {
        let place = first % shape.ring;
        let count = min(KEYS, end - first);
        // what is past the end is read as the last, and weighs nothing
        let a = row_after(place, min(key_set, count - 1u), kv_head);
        let b = row_after(place, min(key_set + KEY_SETS, count - 1u), kv_head);
        var scores = Scores();
        for (var i = split; i < PADDED; i += TURN) {
            for (var turn = 0u; turn < 4u; turn++) {
                let own = i + turn * SPLITS;
                scores = scores_onto(scores, own_set * 4u * PADDED + own, k_four(a, own), k_four(b, own));
            }
        }
        let number = key_set + split % 2u * KEY_SETS;  // the lane's own key
        let there = split < 2u && number < count;
        let row = select(a, b, split % 2u == 1u);
        let score = select(LOWEST, share_out(scores, lane) * k_scale(row), there);
        if (split < 2u) { weights[own_weights + number] = score; }
        workgroupBarrier();
        if (lane < SETS * EIGHTS) {
            let first_of = lane / EIGHTS * ROUNDED + lane % EIGHTS * 8u;
            var peak = weights[first_of];
            for (var i = 1u; i < 8u; i++) { peak = max(peak, weights[first_of + i]); }
            peaks[lane] = peak;
        }
        workgroupBarrier();
        var above = largest;
        for (var i = 0u; i < EIGHTS; i++) { above = max(above, peaks[own_set * EIGHTS + i]); }
        let shrink = exp(largest - above);
        largest = above;
        let weight = select(vec4f(), exp(score - above), there);
        total = total * shrink + weight;
        if (split < 2u) { weights[own_weights + number] = weight * v_scale(row); }
        sums = scaled(sums, shrink);
        workgroupBarrier();
        if (part < PARTS) {
            let last = count - 1u;
            for (var j = part; j < count; j += ROUND) {
                for (var turn = 0u; turn < 8u; turn++) {
                    let key = j + turn * PARTS;
                    let row = row_after(place, min(key, last), kv_head);
                    sums += outer(codes_of(v[row + four]), weights[own_weights + key]);
                }
            }
        }
    }

    // the totals: KEY_SETS / 8 key sets a lane, then all of them
    exchange[lane] = total;
    workgroupBarrier();
    if (lane < 8u * SETS) {
        var sum = vec4f();
        for (var i = 0u; i < KEY_SETS / 8u; i++) {
            let of_keys = lane / 8u * PER_SET + (lane % 8u * (KEY_SETS / 8u) + i) * SPLITS;
            sum += exchange[of_keys] + exchange[of_keys + 1u];
        }
        peaks[lane] = sum;
    }
    // each time the upper half of the parts goes to the lower
    for (var parts = PARTS; parts > 1u; parts = (parts + 1u) / 2u) {
        let kept = (parts + 1u) / 2u;
        let at = own_set * 4u * SPARE + part % kept * FOURS + four;
        if (part >= kept && part < parts) {
            query[at] = sums[0];
            query[at + SPARE] = sums[1];
            query[at + 2u * SPARE] = sums[2];
            query[at + 3u * SPARE] = sums[3];
        }
        workgroupBarrier();
        if (part < parts - kept) {
            sums += mat4x4f(query[at], query[at + SPARE], query[at + 2u * SPARE], query[at + 3u * SPARE]);
        }
        workgroupBarrier();
    }
    if (PARTS == 1u) { workgroupBarrier(); }
    if (part > 0u) { return; }
    total = vec4f();
    for (var i = 0u; i < 8u; i++) { total += peaks[8u * own_set + i]; }
    for (var i = 0u; i < 4u; i++) {
        let head = 4u * own_set + i;
        if (head >= heads) { break; }
        if (shape.parted == 0u) {
            y[(token * shape.heads + first_head + head) * FOURS + four] = sums[i] / total[i];
            continue;
        }
        // a part is FOURS fours of sums and one of (largest, total)
        let at = (head_at + head * shape.splits) * (FOURS + 1u);
        y[at + four] = sums[i];
        if (four == 0u) { y[at + FOURS] = vec4f(largest[i], total[i], 0.0, 0.0); }
    }
}
