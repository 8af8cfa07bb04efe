// softcap: x = cap · tanh(x / cap), element by element; clamped as in gelu_mul.
// What is not finite becomes NOT_A_LOGIT.
//   0 x        both   [tokens, n]
//   1 state    read
//   2 shape    uniform
// grid: (n / LANES, tokens)
//! param
const LANES: u32 = 64u;
//! end
//! include state
//! include finite

struct Shape { n: u32, cap: f32 }
@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read> state: State;
@group(0) @binding(SHAPE_SLOT) var<uniform> shape: Shape;

@compute @workgroup_size(LANES)
fn softcap(@builtin(global_invocation_id) at: vec3u) {
    if (at.x >= shape.n || at.y >= state.tokens) { return; }
    let i = at.y * shape.n + at.x;
    let value = x[i];
    let capped = shape.cap * tanh(clamp(value / shape.cap, -10.0, 10.0));
    x[i] = select(NOT_A_LOGIT, capped, is_finite(value));
}
