// The input of a matvec: the residual stream after a branch has joined it, h = (x + branch / rms(branch) ·
// weight) · scalar, and then h / rms(h) · weight; without a weight or a scalar each of it is left out. Every
// workgroup makes it for itself; the first one writes an h that a branch has joined to `next`, another buffer
// than x, since others still read x.
//! param
const N_IN: u32 = 1536u;
//! end
//! include block
//! include reduce_sum
@group(0) @binding(X_SLOT) var<storage, read> x: array<vec4f>;
@group(0) @binding(BRANCH_SLOT) var<storage, read> branch: array<vec4f>;
@group(0) @binding(VECTORS_SLOT) var<storage, read> vectors: array<vec4f>;
@group(0) @binding(NEXT_SLOT) var<storage, read_write> next: array<vec4f>;
const FOURS: u32 = N_IN / 4u;
var<workgroup> staged: array<vec4f, FOURS>;

fn factor_of(squares: f32, lane: u32) -> f32 {
    return inverseSqrt(reduce_sum(squares, lane) / f32(N_IN) + shape.eps);
}

fn prepare(lane: u32, first_group: bool) {
    let joins = shape.post_norm != NO_VECTOR;
    var squares = 0.0;
    var factor = 0.0;
    if (joins) {
        for (var i = lane; i < FOURS; i += LANES) { squares += dot(branch[i], branch[i]); }
        factor = factor_of(squares, lane);
    }
    var scale = 1.0;
    if (shape.scalar != NO_VECTOR) { scale = vectors[shape.scalar].x; }
    squares = 0.0;
    for (var i = lane; i < FOURS; i += LANES) {
        var h = x[i];
        if (joins) {
            h = (h + branch[i] * factor * vectors[shape.post_norm + i]) * scale;
            if (first_group) { next[i] = h; }
        }
        squares += dot(h, h);
        staged[i] = h;
    }
    if (shape.norm != NO_VECTOR) {
        factor = factor_of(squares, lane);
        for (var i = lane; i < FOURS; i += LANES) { staged[i] *= factor * vectors[shape.norm + i]; }
    }
    workgroupBarrier();
}
//! include staged_block
