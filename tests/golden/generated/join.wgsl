// join: a branch joins the residual stream of each token, h = (h + x / rms(x) · weight) · scalar; and
// y = h / rms(h) · weight, the input of what comes next. The scalar and y may be left out.
//   x          read   [tokens, n], the branch
//   h          both   [tokens, n]
//   y          write  [tokens, n]
//   vectors    read   norm weights and scalars
//   state      read
//   shape      uniform
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

const NO_VECTOR: u32 = 0xffffffffu;
struct Shape { n: u32, eps: f32, norm: u32, post_norm: u32, scalar: u32 }  // offsets count floats, or are NO_VECTOR
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> h: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<storage, read> vectors: array<f32>;
@group(0) @binding(4) var<storage, read> state: State;
@group(0) @binding(5) var<uniform> shape: Shape;

@compute @workgroup_size(LANES)
fn join(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    if (group.x >= state.tokens) { return; }
    let base = group.x * shape.n;
    var squares = 0.0;
    for (var i = lane; i < shape.n; i += LANES) { squares += x[base + i] * x[base + i]; }
    let factor = inverseSqrt(reduce_sum(squares, lane) / f32(shape.n) + shape.eps);
    var scale = 1.0;
    if (shape.scalar != NO_VECTOR) { scale = vectors[shape.scalar]; }
    squares = 0.0;
    for (var i = lane; i < shape.n; i += LANES) {
        let joined = (h[base + i] + x[base + i] * factor * vectors[shape.post_norm + i]) * scale;
        h[base + i] = joined;
        squares += joined * joined;
    }
    if (shape.norm != NO_VECTOR) {
        let own = inverseSqrt(reduce_sum(squares, lane) / f32(shape.n) + shape.eps);
        for (var i = lane; i < shape.n; i += LANES) { y[base + i] = h[base + i] * own * vectors[shape.norm + i]; }
    }
}
