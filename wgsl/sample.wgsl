// sample: the slabs' candidates to the top_k of all, then temperature, top-p and a seeded draw; the
// chosen id goes where the next pass reads its token, and the state advances by one.
// With top_k 1 the draw has one outcome: greedy. Order as in transformers: temperature, top-k, top-p.
//   0 candidates  both   [slabs, MAX_CANDIDATES] (id, logit bits)
//   1 top         write  [MAX_CANDIDATES] (id, logit bits), best first
//   2 ids         write  [tokens], the first one
//   3 reply       write  [REPLY], a ring
//   4 state       both
//   5 shape       uniform
// grid: (1)
//! param
const LANES: u32 = 64u;
const MAX_CANDIDATES: u32 = 256u;
const REPLY: u32 = 256u;
//! end
//! include state
//! include best
//! include random

struct Shape { slabs: u32 }
@group(0) @binding(0) var<storage, read_write> candidates: array<vec2u>;
@group(0) @binding(1) var<storage, read_write> top: array<vec2u>;
@group(0) @binding(2) var<storage, read_write> ids: array<u32>;
@group(0) @binding(3) var<storage, read_write> reply: array<u32>;
@group(0) @binding(4) var<storage, read_write> state: State;
@group(0) @binding(SHAPE_SLOT) var<uniform> shape: Shape;

var<workgroup> wanted: u32;
var<workgroup> weights: array<f32, MAX_CANDIDATES>;

fn choose(count: u32) -> u32 {
    let best = bitcast<f32>(top[0].y);
    var total = 0.0;
    for (var i = 0u; i < count; i++) {
        // below -100 a weight is 0 in f32; the limit keeps the quotient from an overflow
        let below = max(bitcast<f32>(top[i].y) - best, -100.0 * state.temperature);
        weights[i] = exp(below / state.temperature);
        total += weights[i];
    }
    var kept = 0.0;  // mass of the candidates that top-p keeps: the first to reach it is the last
    var last = 0u;
    for (var i = 0u; i < count; i++) {
        if (i > 0u && kept >= state.top_p * total) { break; }
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

@compute @workgroup_size(LANES)
fn sample(@builtin(local_invocation_index) lane: u32) {
    if (lane == 0u) { wanted = min(state.top_k, MAX_CANDIDATES); }
    let count = workgroupUniformLoad(&wanted);
    for (var rank = 0u; rank < count; rank++) {
        var best = NONE;
        var at = 0u;  // where this lane's best stands: its slab's list is sorted, its ids ascend in a tie
        for (var slab = lane; slab < shape.slabs; slab += LANES) {
            for (var i = 0u; i < count; i++) {
                let value = bitcast<f32>(candidates[slab * MAX_CANDIDATES + i].y);
                if (value == NONE) { continue; }
                if (value > best) {
                    best = value;
                    at = slab * MAX_CANDIDATES + i;
                }
                break;  // the first one left is its slab's best
            }
        }
        var id = 0xffffffffu;
        if (best > NONE) { id = candidates[at].x; }
        let winner = reduce_best(best, id, lane);
        if (lane == 0u) { top[rank] = vec2u(winner, bitcast<u32>(best_values[0])); }
        if (best > NONE && winner == id) { candidates[at] = vec2u(id, bitcast<u32>(NONE)); }
        workgroupBarrier();
    }
    storageBarrier();
    if (lane == 0u) {
        var real = count;  // fewer where the vocabulary is smaller than top_k
        while (real > 1u && bitcast<f32>(top[real - 1u].y) == NONE) { real -= 1u; }
        let id = top[choose(real)].x;
        ids[0] = id;
        reply[state.written % REPLY] = id;
        state.written += 1u;
        state.position += 1u;
    }
}
