// softcap: x = cap · tanh(x / cap), element by element; clamped as in gelu_mul.
// What is not finite becomes NOT_A_LOGIT.
//   0 x        both   [tokens, n]
//   1 state    read
//   2 shape    uniform
// grid: (n / LANES, tokens)
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
// Whether a float is a number and no infinity, by its bits: WGSL lets a compiler take it that others do not occur, so
// comparisons tell nothing. NOT_A_LOGIT stands for what is not, so that no later clamp makes a number of it.
const NOT_A_LOGIT: f32 = 3.0e38;  // farther than any logit
fn is_finite(x: f32) -> bool { return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u; }

struct Shape { n: u32, cap: f32 }
@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read> state: State;
@group(0) @binding(2) var<uniform> shape: Shape;

@compute @workgroup_size(LANES)
fn softcap(@builtin(global_invocation_id) at: vec3u) {
    if (at.x >= shape.n || at.y >= state.tokens) { return; }
    let i = at.y * shape.n + at.x;
    let value = x[i];
    let capped = shape.cap * tanh(clamp(value / shape.cap, -10.0, 10.0));
    x[i] = select(NOT_A_LOGIT, capped, is_finite(value));
}
