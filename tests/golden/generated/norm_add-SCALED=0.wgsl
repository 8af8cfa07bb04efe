// norm_add: h = (h + x / rms(x) · weight) · scalar for each token: a branch joins the residual stream.
//   0 x        read   [tokens, n]
//   1 h        both   [tokens, n]
//   2 weight   read   [n]
//   3 scalar   read   [1], used where SCALED; the weight is bound again where it is not
//   4 state    read
//   5 shape    uniform
// grid: (tokens)
const LANES: u32 = 64u;
const SCALED: u32 = 0u;
// The words that change from token to token: see contracts/state.py.
struct State {
    position: u32,
    tokens: u32,
    written: u32,
    seed: u32,
    top_k: u32,
    temperature: f32,
    top_p: f32,
    capacity: u32,
}
// The sum of every lane's value, the same in all lanes. Ends on a barrier, so it can be called again.
var<workgroup> partial_sums: array<f32, LANES>;

fn reduce_sum(value: f32, lane: u32) -> f32 {
    partial_sums[lane] = value;
    workgroupBarrier();
    for (var half = LANES / 2u; half > 0u; half >>= 1u) {
        if (lane < half) { partial_sums[lane] += partial_sums[lane + half]; }
        workgroupBarrier();
    }
    let sum = partial_sums[0];
    workgroupBarrier();
    return sum;
}

struct Shape { n: u32, eps: f32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> h: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> scalar: array<f32>;
@group(0) @binding(4) var<storage, read> state: State;
@group(0) @binding(5) var<uniform> shape: Shape;

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
