// norm: y = x / rms(x) · weight for each token.
//   0 x        read   [tokens, n]
//   1 y        write  [tokens, n]
//   2 weight   read   [n]
//   3 state    read
//   4 shape    uniform
// grid: (tokens)
const LANES: u32 = 64u;
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
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> state: State;
@group(0) @binding(4) var<uniform> shape: Shape;

@compute @workgroup_size(LANES)
fn norm(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    if (group.x >= state.tokens) { return; }
    let base = group.x * shape.n;
    var squares = 0.0;
    for (var i = lane; i < shape.n; i += LANES) { squares += x[base + i] * x[base + i]; }
    let factor = inverseSqrt(reduce_sum(squares, lane) / f32(shape.n) + shape.eps);
    for (var i = lane; i < shape.n; i += LANES) { y[base + i] = x[base + i] * factor * weight[i]; }
}
