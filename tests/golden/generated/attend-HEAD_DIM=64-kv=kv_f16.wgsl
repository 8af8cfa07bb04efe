// attend: up to four query heads that share a key head, against the keys they may see: softmax with a
// running maximum, and the values' weighted sum. The scale is 1.
// Keys come LANES at a time. Scores are a matrix product of 4 heads by 4 keys a lane, whose fours SPLITS
// neighbours share, so that they read neighbouring words; then each has one key's. After that SHARE lanes
// hold a row of values together, and PARTS such groups take every PARTS-th key. A long context is split
// over groups.
//   qkv        both   [tokens, stride / 4]: queries ready, or raw (see queries)
//   k, v       both   [ring, kv_heads, ROW]
//   y          write  [tokens, heads, HEAD_DIM], or the parts of merge.wgsl where splits > 1
//   state      read
//   vectors, rope: see queries_raw
//   shape      uniform
// grid: (kv_heads · fours, tokens, splits)
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
@group(0) @binding(1) var<storage, read_write> k: array<Four>;
@group(0) @binding(2) var<storage, read_write> v: array<Four>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(4) var<storage, read> state: State;
@group(0) @binding(5) var<uniform> shape: Shape;
// A head's row of K or V in the cache as f16, four values an element.
// Four f16 in two words, without the shader-f16 feature.
alias Half4 = vec2u;
fn unpack_half4(four: Half4) -> vec4f { return vec4f(unpack2x16float(four.x), unpack2x16float(four.y)); }
fn pack_half4(four: vec4f) -> Half4 { return vec2u(pack2x16float(four.xy), pack2x16float(four.zw)); }
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
// read_queries: four heads of qkv that are normed and turned already, zero where there are fewer.
@group(0) @binding(0) var<storage, read_write> qkv: array<vec4f>;

fn read_queries(token: u32, first_head: u32, heads: u32, kv_head: u32, position: u32, newest: bool, lane: u32) {
    let at = token * (shape.stride / 4u) + first_head * FOURS;
    for (var i = lane; i < 4u * FOURS; i += LANES) { query[i] = select(vec4f(), qkv[at + i], i / FOURS < heads); }
    workgroupBarrier();
}

@compute @workgroup_size(LANES)
fn attend(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let token = group.y + shape.first_group;
    let own_split = group.z + shape.first_split;
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
    let start = oldest + own_split * each;
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
    var sums = array<mat4x4f, 2>(sums_0, sums_1);
    for (var i = 0u; i < 4u * OWN; i++) {
        let four = lane + i / 4u * LANES;
        if (i % 4u >= heads || four >= FOURS) { continue; }
        let sum = sums[i / 4u][i % 4u];
        let head = token * shape.heads + first_head + i % 4u;
        if (shape.splits == 1u) {
            y[head * FOURS + four] = sum / total[i % 4u];
            continue;
        }
        // a part is FOURS fours of sums and one of (largest, total)
        let at = (head * shape.splits + own_split) * (FOURS + 1u);
        y[at + four] = sum;
        if (four == 0u) { y[at + FOURS] = vec4f(largest[i % 4u], total[i % 4u], 0.0, 0.0); }
    }
}
