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
const LANES: u32 = 256u;
const MAX_CANDIDATES: u32 = 256u;
const REPLY: u32 = 256u;
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
// Floats by their bits, as whole numbers that ascend with them; 0 and -0 are one. Comparing floats would not do:
// WGSL lets a compiler take it that there is no NaN. What is not finite, or as large as no logit is (NOT_A_LOGIT), is
// the largest of all, so that no search for the best misses it. No float is 0, which stands for none.
const NOT_FINITE: u32 = 0xffffffffu;
const LARGEST: u32 = 0x7e967699u;  // 1e38
const NO_ID: u32 = 0xffffffffu;
const NONE_BITS: u32 = 0xff7fc99eu;  // -3.4e38, what stands beside NO_ID

fn order_of(bits: u32) -> u32 {
    if ((bits & 0x7fffffffu) > LARGEST) { return NOT_FINITE; }
    let plain = select(bits, 0u, bits == 0x80000000u);
    return select(plain | 0x80000000u, ~plain, plain >= 0x80000000u);
}

// The bits of a float from its place in the order.
fn bits_at(order: u32) -> u32 { return select(~order, order & 0x7fffffffu, order >= 0x80000000u); }

// Whether (order, id) comes before another: the larger first, the lower id first in a tie.
fn before(one: vec2u, other: vec2u) -> bool {
    return one.x > other.x || (one.x == other.x && one.y < other.y);
}
// A number in [0, 1) for a seed and a position: Philox2x32-10 (Salmon et al., "Parallel random numbers: as easy as
// 1, 2, 3", 2011), a bijection of the counter under each key, so that no two draws of a seed are related, nor
// those of two seeds. The upper 24 of 32 bits, times a power of two: exact in f32, and below 1.
fn product_high(a: u32, b: u32) -> u32 {
    let low = (a & 0xffffu) * (b & 0xffffu);
    let first = (a >> 16u) * (b & 0xffffu) + (low >> 16u);
    let second = (a & 0xffffu) * (b >> 16u) + (first & 0xffffu);
    return (a >> 16u) * (b >> 16u) + (first >> 16u) + (second >> 16u);
}

fn random_word(seed: u32, position: u32) -> u32 {
    var counter = vec2u(position, 0u);
    var key = seed;
    for (var round = 0u; round < 10u; round++) {
        let high = product_high(0xd256d193u, counter.x);
        counter = vec2u(high ^ key ^ counter.y, 0xd256d193u * counter.x);
        key += 0x9e3779b9u;
    }
    return counter.x;
}

fn random_unit(seed: u32, position: u32) -> f32 {
    return f32(random_word(seed, position) >> 8u) * 5.9604644775390625e-8;
}

struct Shape { slabs: u32, n: u32 }
@group(0) @binding(0) var<storage, read> candidates: array<vec2u>;
@group(0) @binding(1) var<storage, read_write> top: array<vec2u>;
@group(0) @binding(2) var<storage, read_write> ids: array<u32>;
@group(0) @binding(3) var<storage, read_write> reply: array<u32>;
@group(0) @binding(4) var<storage, read_write> state: State;
@group(0) @binding(5) var<uniform> shape: Shape;

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
