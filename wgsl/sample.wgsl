// sample: the slabs' candidates to the top_k of all, then temperature, top-p and a seeded draw; the
// chosen id goes where the next pass reads its token, and the state advances by one.
// With top_k 1 the draw has one outcome: greedy. Order as in transformers: temperature, top-k, top-p.
// A logit that is not finite makes the reply's id NO_ID, whoever reads it; the next pass then reads token 0.
//   candidates  read   [slabs, MAX_CANDIDATES] (id, logit bits), each slab's best first
//   top         write  [MAX_CANDIDATES] (id, logit bits), best first
//   ids         write  [tokens], the first one
//   reply       write  [REPLY], a ring
//   state       both
//   shape       uniform
// grid: (1)
//! param
const LANES: u32 = 256u;
const MAX_CANDIDATES: u32 = 256u;
const REPLY: u32 = 256u;
//! end
//! include state
//! include order
//! include random

struct Shape { slabs: u32, n: u32 }
@group(0) @binding(CANDIDATES_SLOT) var<storage, read> candidates: array<vec2u>;
@group(0) @binding(TOP_SLOT) var<storage, read_write> top: array<vec2u>;
@group(0) @binding(IDS_SLOT) var<storage, read_write> ids: array<u32>;
@group(0) @binding(REPLY_SLOT) var<storage, read_write> reply: array<u32>;
@group(0) @binding(STATE_SLOT) var<storage, read_write> state: State;
@group(0) @binding(SHAPE_SLOT) var<uniform> shape: Shape;

var<workgroup> wanted: u32;
var<workgroup> best: array<vec2u, MAX_CANDIDATES>;  // (order, id or slab), the first one best
var<workgroup> pool: array<vec2u, MAX_CANDIDATES + LANES>;
var<workgroup> lists: array<vec2u, LANES>;  // of the slabs that may hold a winner: where its part begins, the slab
var<workgroup> lengths: array<u32, LANES>;
var<workgroup> total: u32;
var<workgroup> weights: array<f32, MAX_CANDIDATES>;

fn candidate(slab: u32, place: u32) -> vec2u {
    let found = candidates[slab * MAX_CANDIDATES + place];
    if (found.x == NO_ID) { return vec2u(0u, NO_ID); }
    return vec2u(order_of(found.y), found.x);
}

// A lane's entry joins the `held` best ones, if it is among the first `count` then; how many those are.
fn join_best(entry: vec2u, entries: u32, held: u32, count: u32, lane: u32) -> u32 {
    if (lane < held) { pool[lane] = best[lane]; }
    if (lane < entries) { pool[held + lane] = entry; }
    workgroupBarrier();
    let size = held + entries;
    for (var at = lane; at < size; at += LANES) {
        let one = pool[at];
        var place = 0u;
        for (var other = 0u; other < size; other++) { place += u32(before(pool[other], one)); }
        if (place < count) { best[place] = one; }
    }
    workgroupBarrier();
    return min(size, count);
}

// How many candidates of a slab, of the first `limit`, reach `least`.
fn reaching(slab: u32, limit: u32, least: u32) -> u32 {
    var low = 0u;
    var high = limit;
    while (low < high) {
        let middle = (low + high) / 2u;
        if (candidate(slab, middle).x >= least) { low = middle + 1u; } else { high = middle; }
    }
    return low;
}

// The slab's best of all slabs first: only `count` slabs can hold a winner, the i-th of them count - i, and none
// that does not reach the best one of the last.
fn find_lists(count: u32, lane: u32) -> u32 {
    var held = 0u;
    for (var first = 0u; first < shape.slabs; first += LANES) {
        let entries = min(LANES, shape.slabs - first);
        var head = vec2u();
        if (lane < entries) { head = vec2u(candidate(first + lane, 0u).x, first + lane); }  // lower slabs, lower ids
        held = join_best(head, entries, held, count, lane);
    }
    var least = 1u;
    if (held == count) { least = max(1u, best[count - 1u].x); }
    let slab = best[min(lane, held - 1u)].y;
    lengths[lane] = 0u;
    if (lane < held) { lengths[lane] = reaching(slab, count - lane, least); }
    workgroupBarrier();
    var begin = 0u;
    for (var other = 0u; other < lane; other++) { begin += lengths[other]; }
    lists[lane] = vec2u(begin, slab);
    if (lane + 1u == LANES) { total = begin + lengths[lane]; }
    return held;
}

// An entry of all lists, one after the other.
fn listed(at: u32, held: u32) -> vec2u {
    var low = 0u;
    var high = held - 1u;
    while (low < high) {
        let middle = (low + high + 1u) / 2u;
        if (lists[middle].x <= at) { low = middle; } else { high = middle - 1u; }
    }
    return candidate(lists[low].y, at - lists[low].x);
}

fn choose(count: u32) -> u32 {
    var mass = 0.0;
    for (var i = 0u; i < count; i++) { mass += weights[i]; }
    var kept = 0.0;  // mass of the candidates that top-p keeps: the first to reach it is the last
    var last = 0u;
    for (var i = 0u; i < count; i++) {
        if (i > 0u && kept >= state.top_p * mass) { break; }
        kept += weights[i];
        last = i;
    }
    let draw = random_unit(state.seed, state.position) * kept;
    var sum = 0.0;
    for (var i = 0u; i < last; i++) {
        sum += weights[i];
        if (draw < sum) { return i; }
    }
    return last;
}

// The chosen id, or NO_ID.
fn pick(count: u32) -> u32 {
    if (best[0].x == NOT_FINITE) { return NO_ID; }
    return best[choose(count)].y;
}

@compute @workgroup_size(LANES)
fn sample(@builtin(local_invocation_index) lane: u32) {
    if (lane == 0u) { wanted = clamp(state.top_k, 1u, MAX_CANDIDATES); }
    let count = workgroupUniformLoad(&wanted);
    let held_lists = find_lists(count, lane);
    let entries = workgroupUniformLoad(&total);
    var held = 0u;
    for (var first = 0u; first < entries; first += LANES) {
        var entry = vec2u();
        if (first + lane < entries) { entry = listed(first + lane, held_lists); }
        held = join_best(entry, min(LANES, entries - first), held, count, lane);
    }
    if (lane < held) {
        // below -100 a weight is 0 in f32; the limit keeps the quotient from an overflow
        let below = bitcast<f32>(bits_at(best[lane].x)) - bitcast<f32>(bits_at(best[0].x));
        weights[lane] = exp(max(below, -100.0 * state.temperature) / state.temperature);
        top[lane] = vec2u(best[lane].y, bits_at(best[lane].x));
    } else if (lane < count) {
        top[lane] = vec2u(NO_ID, NONE_BITS);
    }
    workgroupBarrier();
    if (lane == 0u) {
        let id = pick(held);
        ids[0] = select(min(id, shape.n - 1u), 0u, id == NO_ID);
        reply[state.written % REPLY] = id;
        state.written += 1u;
        state.position += 1u;
    }
}
