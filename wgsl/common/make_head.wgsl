// make_head: heads of qkv, each by a team of lanes. A lane has four neighbouring pairs of a head's values in
// registers.
//! include head_values
var<workgroup> squares: array<f32, LANES>;
var<workgroup> of_teams: array<f32, TEAMS + 1u>;

// The head at `at` of qkv, in fours, in the lanes that are its team's. Every lane is to come here: there are barriers.
fn make_head(at: u32, kind: u32, is_own: bool, by: Angles, lane: u32) -> Pairs {
    let member = lane % TEAM;
    var found = Pairs();
    if (is_own) { found = head_values(at + member); }
    squares[lane] = dot(found.low, found.low) + dot(found.high, found.high);
    workgroupBarrier();
    if (member == 0u) {
        var all = 0.0;
        for (var i = lane; i < min(LANES, lane + TEAM); i++) { all += squares[i]; }
        of_teams[lane / TEAM] = all;
    }
    workgroupBarrier();
    return finished(found, norm_values(kind, member), of_teams[lane / TEAM], kind, by);
}
