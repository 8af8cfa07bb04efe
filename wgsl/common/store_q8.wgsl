// store_head: the workgroup's `head` row into the cache as i8 codes and one f32 scale, max / 127.
const ROW_WORDS: u32 = HEAD_DIM / 4u + 1u;

var<workgroup> largest: array<f32, LANES>;

fn store_head(base: u32, lane: u32) {
    var mine = 0.0;
    for (var i = lane; i < HEAD_DIM; i += LANES) { mine = max(mine, abs(head[i])); }
    largest[lane] = mine;
    workgroupBarrier();
    for (var half = LANES / 2u; half > 0u; half >>= 1u) {
        if (lane < half) { largest[lane] = max(largest[lane], largest[lane + half]); }
        workgroupBarrier();
    }
    let scale = largest[0] / 127.0;
    let inverse = select(1.0 / scale, 0.0, scale == 0.0);
    for (var i = lane; i < HEAD_DIM / 4u; i += LANES) {
        let four = vec4f(head[4u * i], head[4u * i + 1u], head[4u * i + 2u], head[4u * i + 3u]);
        let codes = bitcast<vec4u>(vec4i(round(four * inverse))) & vec4u(255u);
        cache[base + i] = codes.x | (codes.y << 8u) | (codes.z << 16u) | (codes.w << 24u);
    }
    if (lane == 0u) { cache[base + HEAD_DIM / 4u] = bitcast<u32>(scale); }
}
