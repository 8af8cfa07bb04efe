// A head's row of K or V in the cache as i8, four codes an element, then one f32 scale, max / 127.
//! include bytes
alias Four = u32;
const ROW: u32 = HEAD_DIM / 4u + 1u;

fn codes_of(four: Four) -> vec4f { return bytes(four); }
fn k_scale(base: u32) -> f32 { return bitcast<f32>(k[base + HEAD_DIM / 4u]); }
fn v_scale(base: u32) -> f32 { return bitcast<f32>(v[base + HEAD_DIM / 4u]); }
fn k4(base: u32, i: u32) -> vec4f { return codes_of(k[base + i]) * k_scale(base); }
fn v4(base: u32, i: u32) -> vec4f { return codes_of(v[base + i]) * v_scale(base); }
//! include head
var<workgroup> sizes: array<f32, LANES>;

fn codes(four: vec4f, inverse: f32) -> Four {
    let all = bitcast<vec4u>(vec4i(round(four * inverse))) & vec4u(255u);
    return all.x | (all.y << 8u) | (all.z << 16u) | (all.w << 24u);
}

// Every lane is to come here: there are barriers.
fn encoded(x: Pairs, lane: u32) -> Row {
    let own = max(abs(x.low), abs(x.high));
    sizes[lane] = max(max(own.x, own.y), max(own.z, own.w));
    workgroupBarrier();
    var peak = 0.0;
    let first = lane - lane % TEAM;
    for (var i = first; i < min(LANES, first + TEAM); i++) { peak = max(peak, sizes[i]); }
    workgroupBarrier();
    let size = peak / 127.0;
    let inverse = select(1.0 / size, 0.0, size == 0.0);
    return Row(codes(x.low, inverse), codes(x.high, inverse), bitcast<u32>(size));
}

fn decoded(four: Four, scale: Four) -> vec4f { return bytes(four) * bitcast<f32>(scale); }
