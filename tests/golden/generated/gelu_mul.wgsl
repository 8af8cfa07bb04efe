// gelu_mul: a = gelu(a) · b, element by element; b may be a slice of wider rows.
// gelu is the tanh form; its argument is clamped because tanh of large numbers is NaN on some
// devices, and is ±1 in f32 from 10 on.
//   0 a        both   [tokens, n]
//   1 b        read   [tokens, b_stride], columns b_first … b_first + n
//   2 state    read
//   3 shape    uniform
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

struct Shape { n: u32, b_stride: u32, b_first: u32 }
@group(0) @binding(0) var<storage, read_write> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read> state: State;
@group(0) @binding(3) var<uniform> shape: Shape;

@compute @workgroup_size(LANES)
fn gelu_mul(@builtin(global_invocation_id) at: vec3u) {
    if (at.x >= shape.n || at.y >= state.tokens) { return; }
    let i = at.y * shape.n + at.x;
    let x = a[i];
    let inner = clamp(0.7978845608028654 * (x + 0.044715 * x * x * x), -10.0, 10.0);
    a[i] = 0.5 * x * (1.0 + tanh(inner)) * b[at.y * shape.b_stride + shape.b_first + at.x];
}
