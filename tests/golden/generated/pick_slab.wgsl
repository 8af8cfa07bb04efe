// pick_slab: the top_k largest logits of each slab of SLAB, best first, the lower id first in a tie; one that is
// not finite counts as the largest. A lane has OWN neighbours. Only the top_k lanes with the best largest one can
// hold a winner; of their logits those that reach the last of these are told apart, each by how many come before it.
//   logits      read   [n] f32 bits
//   candidates  write  [slabs, MAX_CANDIDATES] (id, logit bits); NO_ID past a slab's end
//   state       read
//   shape       uniform
// grid: (slabs)
const LANES: u32 = 128u;
const MAX_CANDIDATES: u32 = 256u;
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

struct Shape { n: u32 }
@group(0) @binding(0) var<storage, read> logits: array<u32>;
@group(0) @binding(1) var<storage, read_write> candidates: array<vec2u>;
@group(0) @binding(2) var<storage, read> state: State;
@group(0) @binding(3) var<uniform> shape: Shape;

const OWN: u32 = 8u;
const SLAB: u32 = LANES * OWN;
var<workgroup> largest: array<u32, LANES>;
var<workgroup> threshold: atomic<u32>;  // zero where fewer lanes have logits than are wanted
var<workgroup> found: atomic<u32>;
var<workgroup> pool: array<vec2u, SLAB>;  // (order, id)

// How many lanes' largest come before this lane's; in a tie that of the lower lane, whose ids are lower.
fn lanes_before(mine: u32, lane: u32) -> u32 {
    var count = 0u;
    for (var other = 0u; other < LANES; other++) {
        count += u32(largest[other] > mine - u32(other < lane));  // a tie's is as if it were larger
    }
    return count;
}

@compute @workgroup_size(LANES)
fn pick_slab(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let wanted = clamp(state.top_k, 1u, MAX_CANDIDATES);
    let first = group.x * SLAB + lane * OWN;
    var own = array<u32, OWN>();
    var mine = 0u;
    for (var i = 0u; i < OWN; i++) {
        if (first + i < shape.n) { own[i] = order_of(logits[first + i]); }
        mine = max(mine, own[i]);
    }
    largest[lane] = mine;
    if (lane == 0u) {  // not every driver does it, as WGSL would have it
        atomicStore(&threshold, 0u);
        atomicStore(&found, 0u);
    }
    workgroupBarrier();
    var rank = 0u;
    if (wanted == 1u) {  // all that tie with the best stay, and need no rank
        atomicMax(&threshold, mine);
    } else {
        rank = lanes_before(max(mine, 1u), lane);
        if (rank + 1u == wanted) { atomicStore(&threshold, mine); }
    }
    workgroupBarrier();
    if (rank < wanted) {
        let least = max(1u, atomicLoad(&threshold));
        for (var i = 0u; i < OWN; i++) {
            if (own[i] >= least) { pool[atomicAdd(&found, 1u)] = vec2u(own[i], first + i); }
        }
    }
    workgroupBarrier();
    let count = atomicLoad(&found);
    let list = group.x * MAX_CANDIDATES;
    for (var at = lane; at < count; at += LANES) {
        let one = pool[at];
        var place = 0u;
        for (var other = 0u; other < count; other++) { place += u32(before(pool[other], one)); }
        if (place < wanted) { candidates[list + place] = vec2u(one.y, bits_at(one.x)); }
    }
    for (var at = count + lane; at < wanted; at += LANES) { candidates[list + at] = vec2u(NO_ID, NONE_BITS); }
}
