// gelu_mul: y = gelu(a) · b, element by element; a and b are columns of wider rows, perhaps the same ones.
//   0 a        read   [tokens, a_stride], columns 0 … n
//   1 b        read   [tokens, b_stride], columns b_first … b_first + n
//   2 y        write  [tokens, n]
//   3 state    read
//   4 shape    uniform
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
// gelu in its tanh form. tanh's argument is clamped because that of large numbers is NaN on some devices, and
// is ±1 in f32 from 10 on.
fn clamped_tanh(x: f32) -> f32 { return tanh(clamp(x, -10.0, 10.0)); }
fn gelu_inner(x: f32) -> f32 { return 0.7978845608028654 * (x + 0.044715 * x * x * x); }
fn gelu(x: f32) -> f32 { return 0.5 * x * (1.0 + clamped_tanh(gelu_inner(x))); }

struct Shape { n: u32, a_stride: u32, b_stride: u32, b_first: u32 }
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<storage, read> state: State;
@group(0) @binding(4) var<uniform> shape: Shape;

@compute @workgroup_size(LANES)
fn gelu_mul(@builtin(global_invocation_id) at: vec3u) {
    if (at.x >= shape.n || at.y >= state.tokens) { return; }
    let gate = gelu(a[at.y * shape.a_stride + at.x]);
    y[at.y * shape.n + at.x] = gate * b[at.y * shape.b_stride + shape.b_first + at.x];
}
