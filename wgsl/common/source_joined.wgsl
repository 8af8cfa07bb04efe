// The input of a matvec: the residual stream after a branch has joined it, h = (x + branch / rms(branch) ·
// weight) · scalar, and, where NORMED, h / rms(h) · weight. Each workgroup makes it for itself; the
// first one writes h to `next`, another buffer than x, since others still read x.
//! param
const N_IN: u32 = 1536u;
const SCALED: u32 = 0u;
const NORMED: u32 = 1u;
//! end
//! include block
//! include reduce_sum
@group(0) @binding(X_SLOT) var<storage, read> x: array<vec4f>;
@group(0) @binding(BRANCH_SLOT) var<storage, read> branch: array<vec4f>;
@group(0) @binding(VECTORS_SLOT) var<storage, read> vectors: array<vec4f>;
@group(0) @binding(NEXT_SLOT) var<storage, read_write> next: array<vec4f>;
var<workgroup> staged: array<vec4f, N_IN / 4u>;

fn prepare(lane: u32, first_group: bool) {
    var squares = 0.0;
    for (var i = lane; i < N_IN / 4u; i += LANES) { squares += dot(branch[i], branch[i]); }
    let factor = inverseSqrt(reduce_sum(squares, lane) / f32(N_IN) + shape.eps);
    var scale = 1.0;
    if (SCALED == 1u) { scale = vectors[shape.scalar].x; }
    squares = 0.0;
    for (var i = lane; i < N_IN / 4u; i += LANES) {
        let h = (x[i] + branch[i] * factor * vectors[shape.post_norm + i]) * scale;
        squares += dot(h, h);
        staged[i] = h;
        if (first_group) { next[i] = h; }
    }
    if (NORMED == 1u) {
        let own = inverseSqrt(reduce_sum(squares, lane) / f32(N_IN) + shape.eps);
        for (var i = lane; i < N_IN / 4u; i += LANES) { staged[i] *= own * vectors[shape.norm + i]; }
    }
    workgroupBarrier();
}
//! include staged_block
