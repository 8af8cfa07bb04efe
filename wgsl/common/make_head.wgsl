// make_head: heads of qkv, each by a team of lanes: normed; weighted by `vectors` from `weight` on unless
// that is NO_WEIGHT; and turned by its position. A lane has four neighbouring pairs of a head's values in
// registers.
//! include head
//! include rope
@group(0) @binding(QKV_SLOT) var<storage, read_write> qkv: array<vec4f>;
@group(0) @binding(VECTORS_SLOT) var<storage, read> vectors: array<vec4f>;
const NO_WEIGHT: u32 = 0xffffffffu;
var<workgroup> squares: array<f32, LANES>;
var<workgroup> of_teams: array<f32, TEAMS + 1u>;

// The head at `at` of qkv, in fours, normed unless it has no weight and V is not; `turning` is whether it turns.
// Every lane is to come here: there are barriers.
fn make_head(at: u32, weight: u32, turning: bool, by: Angles, lane: u32) -> Pairs {
    let member = lane % TEAM;
    var low = qkv[at + member];
    var high = qkv[at + member + TEAM];
    squares[lane] = dot(low, low) + dot(high, high);
    workgroupBarrier();
    if (member == 0u) {
        var all = 0.0;
        for (var i = lane; i < min(LANES, lane + TEAM); i++) { all += squares[i]; }
        of_teams[lane / TEAM] = all;
    }
    workgroupBarrier();
    if (weight != NO_WEIGHT || shape.v_norm == 1u) {
        let factor = inverseSqrt(of_teams[lane / TEAM] / f32(HEAD_DIM) + shape.eps);
        low *= factor;
        high *= factor;
    }
    if (weight != NO_WEIGHT) {
        low *= vectors[weight + member];
        high *= vectors[weight + member + TEAM];
    }
    if (!turning) { return Pairs(low, high); }
    return Pairs(low * by.cos - high * by.sin, high * by.cos + low * by.sin);
}

// K or V into the cache, from `base` on, in the lanes that `write`. Every lane is to come here.
fn store_head(base: u32, x: Pairs, is_v: bool, writes: bool, lane: u32) {
    let row = encoded(x, lane);
    if (!writes) { return; }
    let at = base + lane % TEAM;
    if (is_v) { v[at] = row.low; v[at + TEAM] = row.high; } else { k[at] = row.low; k[at + TEAM] = row.high; }
    if (ROW == 2u * TEAM || lane % TEAM > 0u) { return; }
    if (is_v) { v[base + ROW - 1u] = row.scale; } else { k[base + ROW - 1u] = row.scale; }
}
