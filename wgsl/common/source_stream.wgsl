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
const TURNS: u32 = (FOURS + LANES - 1u) / LANES;
const WHOLE: bool = FOURS % LANES == 0u;
var<workgroup> staged: array<vec4f, FOURS>;

fn own_four(lane: u32, turn: u32) -> u32 {
    if (WHOLE) { return lane + turn * LANES; }
    return min(lane + turn * LANES, FOURS - 1u);
}

fn is_own(lane: u32, turn: u32) -> bool { return WHOLE || lane + turn * LANES < FOURS; }

fn factor_of(squares: f32, lane: u32) -> f32 {
    return inverseSqrt(reduce_sum(squares, lane) / f32(N_IN) + shape.eps);
}

// A lane's turns are known to the compiler, which then has a loop's loads wait for memory together. The branch
// times its weight waits in `staged` for its factor, in place of a second load of both.
fn prepare(lane: u32, first_group: bool) {
    let joins = shape.post_norm != NO_VECTOR;
    var squares = 0.0;
    var factor = 0.0;
    if (joins) {
        for (var i = 0u; i < TURNS; i++) {
            let at = own_four(lane, i);
            let four = branch[at];
            let weight = vectors[shape.post_norm + at];
            if (is_own(lane, i)) {
                squares += dot(four, four);
                staged[at] = four * weight;
            }
        }
        factor = factor_of(squares, lane);
    }
    var scale = 1.0;
    if (shape.scalar != NO_VECTOR) { scale = vectors[shape.scalar].x; }
    squares = 0.0;
    for (var i = 0u; i < TURNS; i++) {
        let at = own_four(lane, i);
        var h = x[at];
        if (is_own(lane, i)) {
            if (joins) {
                h = (h + staged[at] * factor) * scale;
                if (first_group) { next[at] = h; }
            }
            squares += dot(h, h);
            staged[at] = h;
        }
    }
    if (shape.norm != NO_VECTOR) {
        factor = factor_of(squares, lane);
        for (var i = 0u; i < TURNS; i++) {
            let at = own_four(lane, i);
            let weight = vectors[shape.norm + at];
            if (is_own(lane, i)) { staged[at] *= factor * weight; }
        }
    }
    workgroupBarrier();
}
//! include staged_block
