// norm_add: h = (h + x / rms(x) · weight) · scalar for each token: a branch joins the residual stream.
//   0 x        read   [tokens, n]
//   1 h        both   [tokens, n]
//   2 weight   read   [n]
//   3 scalar   read   [1], used where SCALED; the weight is bound again where it is not
//   4 state    read
//   5 shape    uniform
// grid: (tokens)
//! param
const LANES: u32 = 64u;
const SCALED: u32 = 0u;
//! end
//! include state
//! include reduce_sum

struct Shape { n: u32, eps: f32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> h: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> scalar: array<f32>;
@group(0) @binding(4) var<storage, read> state: State;
@group(0) @binding(SHAPE_SLOT) var<uniform> shape: Shape;

@compute @workgroup_size(LANES)
fn norm_add(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    if (group.x >= state.tokens) { return; }
    let base = group.x * shape.n;
    var squares = 0.0;
    for (var i = lane; i < shape.n; i += LANES) { squares += x[base + i] * x[base + i]; }
    let factor = inverseSqrt(reduce_sum(squares, lane) / f32(shape.n) + shape.eps);
    var scale = 1.0;
    if (SCALED == 1u) { scale = scalar[0]; }
    for (var i = lane; i < shape.n; i += LANES) {
        h[base + i] = (h[base + i] + x[base + i] * factor * weight[i]) * scale;
    }
}
