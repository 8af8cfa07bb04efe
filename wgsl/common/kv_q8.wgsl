// A head's row of K or V in the cache as i8, four codes an element, then one f32 scale, max / 127.
//! include bytes
alias Four = u32;
const ROW: u32 = HEAD_DIM / 4u + 1u;

fn k4(base: u32, i: u32) -> vec4f { return bytes(k[base + i]) * bitcast<f32>(k[base + HEAD_DIM / 4u]); }
fn v4(base: u32, i: u32) -> vec4f { return bytes(v[base + i]) * bitcast<f32>(v[base + HEAD_DIM / 4u]); }
//! include head
var<workgroup> peaks: array<vec4f, LANES>;

fn codes(four: vec4f, inverse: f32) -> Four {
    let all = bitcast<vec4u>(vec4i(round(four * inverse))) & vec4u(255u);
    return all.x | (all.y << 8u) | (all.z << 16u) | (all.w << 24u);
}

// Every lane is to come here: there are barriers.
fn encoded(x: Pairs, lane: u32) -> Row {
    peaks[lane] = max(abs(x.low), abs(x.high));
    workgroupBarrier();
    var peak = vec4f();
    let first = lane - lane % TEAM;
    for (var i = first; i < min(LANES, first + TEAM); i++) { peak = max(peak, peaks[i]); }
    workgroupBarrier();
    let size = max(max(peak.x, peak.y), max(peak.z, peak.w)) / 127.0;
    let inverse = select(1.0 / size, 0.0, size == 0.0);
    return Row(codes(x.low, inverse), codes(x.high, inverse), bitcast<u32>(size));
}
