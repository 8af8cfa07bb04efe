// A head's row of K or V in the cache as i8, four codes an element, then one f32 scale, max / 127.
//! include bytes
alias Four = u32;
const ROW: u32 = HEAD_DIM / 4u + 1u;

fn k4(base: u32, i: u32) -> vec4f { return bytes(k[base + i]) * bitcast<f32>(k[base + HEAD_DIM / 4u]); }
fn v4(base: u32, i: u32) -> vec4f { return bytes(v[base + i]) * bitcast<f32>(v[base + HEAD_DIM / 4u]); }
//! include head
var<workgroup> peaks: array<f32, LANES>;
var<workgroup> code_sizes: array<f32, TEAMS>;

fn encode_head(lane: u32) {
    let team = lane / TEAM;
    var peak = 0.0;
    if (team < TEAMS) {
        for (var i = lane % TEAM; i < HEAD_DIM; i += TEAM) { peak = max(peak, abs(held[team * HEAD_DIM + i])); }
    }
    peaks[lane] = peak;
    workgroupBarrier();
    if (lane % TEAM == 0u && team < TEAMS) {
        for (var i = 1u; i < TEAM; i++) { peak = max(peak, peaks[lane + i]); }
        code_sizes[team] = peak / 127.0;
    }
    workgroupBarrier();
}

fn encoded(team: u32, i: u32) -> Four {
    let size = code_sizes[team];
    if (i == HEAD_DIM / 4u) { return bitcast<u32>(size); }
    let inverse = select(1.0 / size, 0.0, size == 0.0);
    let codes = bitcast<vec4u>(vec4i(round(held4(team, i) * inverse))) & vec4u(255u);
    return codes.x | (codes.y << 8u) | (codes.z << 16u) | (codes.w << 24u);
}
