// The input of a matvec: one token's attention in the parts that its splits have left, merged as merge.wgsl does.
// The splits that saw keys come first. Every workgroup merges for itself, four fours of two splits at a time.
//! param
const N_IN: u32 = 2048u;
const HEAD_DIM: u32 = 256u;
//! end
//! include block
@group(0) @binding(X_SLOT) var<storage, read> x: array<vec4f>;  // [heads, splits, FOURS + 1]: sums, then (largest, total)
const FOURS: u32 = HEAD_DIM / 4u;
const ALL_FOURS: u32 = N_IN / 4u;
const HEADS: u32 = N_IN / HEAD_DIM;
const MOST_SPLITS: u32 = 8u;
var<workgroup> staged: array<vec4f, ALL_FOURS>;
var<workgroup> ends: array<vec2f, HEADS * MOST_SPLITS>;  // of each head's splits: (largest, total)
var<workgroup> shares: array<f32, HEADS * MOST_SPLITS>;  // what a split's sums count

fn splits() -> u32 { return shape.norm; }  // the word that norms take after the stream

// What a split and the next one give to a four of all heads.
fn of_splits(four: u32, split: u32, used: u32) -> vec4f {
    let at = min(four, ALL_FOURS - 1u);
    let first = at / FOURS * splits();
    let other = min(split + 1u, used - 1u);
    let a = x[(first + split) * (FOURS + 1u) + at % FOURS];
    let b = x[(first + other) * (FOURS + 1u) + at % FOURS];
    return a * shares[first + split] + b * select(0.0, shares[first + other], other > split);
}

fn prepare(lane: u32, first_group: bool) {
    let count = HEADS * splits();
    for (var i = lane; i < count; i += LANES) { ends[i] = x[i * (FOURS + 1u) + FOURS].xy; }
    workgroupBarrier();
    for (var i = lane; i < count; i += LANES) {
        let first = i / splits() * splits();
        var largest = ends[first].x;
        for (var s = 1u; s < splits(); s++) { largest = max(largest, ends[first + s].x); }
        var total = 0.0;
        for (var s = 0u; s < splits(); s++) { total += ends[first + s].y * exp(ends[first + s].x - largest); }
        shares[i] = exp(ends[i].x - largest) / total;
    }
    workgroupBarrier();
    var used = 1u;
    for (var s = 1u; s < splits(); s++) { used += select(0u, 1u, ends[s].y > 0.0); }
    for (var four = lane; four < ALL_FOURS; four += 4u * LANES) {
        var sum_0 = vec4f();
        var sum_1 = vec4f();
        var sum_2 = vec4f();
        var sum_3 = vec4f();
        for (var s = 0u; s < used; s += 2u) {
            sum_0 += of_splits(four, s, used);
            sum_1 += of_splits(four + LANES, s, used);
            sum_2 += of_splits(four + 2u * LANES, s, used);
            sum_3 += of_splits(four + 3u * LANES, s, used);
        }
        staged[four] = sum_0;
        if (four + LANES < ALL_FOURS) { staged[four + LANES] = sum_1; }
        if (four + 2u * LANES < ALL_FOURS) { staged[four + 2u * LANES] = sum_2; }
        if (four + 3u * LANES < ALL_FOURS) { staged[four + 3u * LANES] = sum_3; }
    }
    workgroupBarrier();
}
//! include staged_block
