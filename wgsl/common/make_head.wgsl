// make_head: a head of qkv in workgroup memory: normed; weighted by `vectors` from `weight` on unless that
// is NO_WEIGHT; and turned by its position where `pairs` is not 0. Ends on a barrier.
//! include reduce_sum
//! include rope
@group(0) @binding(QKV_SLOT) var<storage, read_write> qkv: array<f32>;
@group(0) @binding(VECTORS_SLOT) var<storage, read> vectors: array<f32>;
const NO_WEIGHT: u32 = 0xffffffffu;

fn weighted(weight: u32, i: u32) -> f32 {
    if (weight == NO_WEIGHT) { return 1.0; }
    return vectors[weight + i];
}

fn make_head(at: u32, weight: u32, pairs: u32, position: u32, lane: u32) {
    var squares = 0.0;
    for (var i = lane; i < HEAD_DIM; i += LANES) { squares += qkv[at + i] * qkv[at + i]; }
    var factor = 1.0;
    if (weight != NO_WEIGHT || shape.v_norm == 1u) {
        factor = inverseSqrt(reduce_sum(squares, lane) / f32(HEAD_DIM) + shape.eps);
    }
    let half = HEAD_DIM / 2u;
    for (var i = lane; i < half; i += LANES) {
        let pair = vec2f(qkv[at + i] * weighted(weight, i), qkv[at + half + i] * weighted(weight, half + i));
        let turned = turn(pair * factor, i, position, pairs);
        head[i] = turned.x;
        head[half + i] = turned.y;
    }
    workgroupBarrier();
}
