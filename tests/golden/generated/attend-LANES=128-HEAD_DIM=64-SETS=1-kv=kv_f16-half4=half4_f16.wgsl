enable f16;
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
@group(0) @binding(5) var<uniform> shape: Shape;
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
// read_queries: the heads of a group as `heads` left them in qkv, zero where there are fewer. The newest key
// and value are in the cache.
@group(0) @binding(0) var<storage, read_write> qkv: array<vec4f>;

fn read_queries(token: u32, first_head: u32, heads: u32, kv_head: u32, position: u32, newest: bool, lane: u32) -> bool {
    let at = token * (shape.stride / 4u) + first_head * FOURS;
    for (var i = lane; i < HEADS * PADDED; i += LANES) {
        var found = vec4f();
        if (i / PADDED < heads && i % PADDED < FOURS) { found = qkv[at + i / PADDED * FOURS + i % PADDED]; }
        query[i] = found;
    }
    workgroupBarrier();
    return false;
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
