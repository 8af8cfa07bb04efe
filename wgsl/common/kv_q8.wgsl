// A head's row of K or V in the cache as i8, four codes an element, then one f32 scale, max / 127.
//! include bytes
alias Four = u32;
const ROW: u32 = HEAD_DIM / 4u + 1u;

fn k4(base: u32, i: u32) -> vec4f { return bytes(k[base + i]) * bitcast<f32>(k[base + HEAD_DIM / 4u]); }
fn v4(base: u32, i: u32) -> vec4f { return bytes(v[base + i]) * bitcast<f32>(v[base + HEAD_DIM / 4u]); }
//! include head
var<workgroup> peaks: array<f32, LANES>;
var<workgroup> code_size: f32;

fn encode_head(lane: u32) {
    var peak = 0.0;
    for (var i = lane; i < HEAD_DIM; i += LANES) { peak = max(peak, abs(head[i])); }
    peaks[lane] = peak;
    workgroupBarrier();
    for (var step = LANES / 2u; step > 0u; step >>= 1u) {
        if (lane < step) { peaks[lane] = max(peaks[lane], peaks[lane + step]); }
        workgroupBarrier();
    }
    if (lane == 0u) { code_size = peaks[0] / 127.0; }
    workgroupBarrier();
}

fn encoded(i: u32) -> Four {
    if (i == HEAD_DIM / 4u) { return bitcast<u32>(code_size); }
    let inverse = select(1.0 / code_size, 0.0, code_size == 0.0);
    let codes = bitcast<vec4u>(vec4i(round(head4(i) * inverse))) & vec4u(255u);
    return codes.x | (codes.y << 8u) | (codes.z << 16u) | (codes.w << 24u);
}
