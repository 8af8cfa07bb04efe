// The input of a matvec: x / rms(x) · weight, made by each workgroup for itself.
//! param
const N_IN: u32 = 1536u;
//! end
//! include block
//! include reduce_sum
@group(0) @binding(X_SLOT) var<storage, read> x: array<vec4f>;
@group(0) @binding(VECTORS_SLOT) var<storage, read> vectors: array<vec4f>;
var<workgroup> staged: array<vec4f, N_IN / 4u>;

fn prepare(lane: u32, first_group: bool) {
    var squares = 0.0;
    for (var i = lane; i < N_IN / 4u; i += LANES) { squares += dot(x[i], x[i]); }
    let factor = inverseSqrt(reduce_sum(squares, lane) / f32(N_IN) + shape.eps);
    for (var i = lane; i < N_IN / 4u; i += LANES) { staged[i] = x[i] * factor * vectors[shape.norm + i]; }
    workgroupBarrier();
}
//! include staged_block
