// pick_slab: the top_k largest logits of each slab of SLAB, best first, the lower id first in a tie.
//   0 logits      read   [n]
//   1 candidates  write  [slabs, MAX_CANDIDATES] (id, logit bits)
//   2 state       read
//   3 shape       uniform
// grid: (slabs)
const LANES: u32 = 64u;
const SLAB: u32 = 1024u;
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
// reduce_best: the id of the largest value over all lanes, the lowest id in a tie. Its value is left in
// best_values[0]; the caller's next barrier frees it.
const NONE: f32 = -3.4e38;
var<workgroup> best_values: array<f32, LANES>;
var<workgroup> best_ids: array<u32, LANES>;

fn reduce_best(value: f32, id: u32, lane: u32) -> u32 {
    best_values[lane] = value;
    best_ids[lane] = id;
    workgroupBarrier();
    for (var half = LANES / 2u; half > 0u; half >>= 1u) {
        if (lane < half) {
            let other = best_values[lane + half];
            let other_id = best_ids[lane + half];
            if (other > best_values[lane]
                || (other == best_values[lane] && other_id < best_ids[lane])) {
                best_values[lane] = other;
                best_ids[lane] = other_id;
            }
        }
        workgroupBarrier();
    }
    return best_ids[0];
}

struct Shape { n: u32 }
@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read_write> candidates: array<vec2u>;
@group(0) @binding(2) var<storage, read> state: State;
@group(0) @binding(3) var<uniform> shape: Shape;

const OWN: u32 = SLAB / LANES;

@compute @workgroup_size(LANES)
fn pick_slab(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    var mine = array<f32, OWN>();
    for (var own = 0u; own < OWN; own++) {
        let id = group.x * SLAB + own * LANES + lane;
        mine[own] = NONE;
        if (id < shape.n) { mine[own] = logits[id]; }
    }
    for (var rank = 0u; rank < min(state.top_k, MAX_CANDIDATES); rank++) {
        var best = NONE;
        var at = 0u;
        for (var own = 0u; own < OWN; own++) {
            if (mine[own] > best) {
                best = mine[own];
                at = own;
            }
        }
        let winner = reduce_best(best, group.x * SLAB + at * LANES + lane, lane);
        if (winner == group.x * SLAB + at * LANES + lane) { mine[at] = NONE; }
        if (lane == 0u) {
            candidates[group.x * MAX_CANDIDATES + rank] = vec2u(winner, bitcast<u32>(best_values[0]));
        }
        workgroupBarrier();
    }
}
