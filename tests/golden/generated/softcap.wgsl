// softcap: x = cap · tanh(x / cap), element by element; clamped as in gelu_mul.
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

struct Shape { n: u32, cap: f32 }
@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read> state: State;
@group(0) @binding(2) var<uniform> shape: Shape;

@compute @workgroup_size(LANES)
fn softcap(@builtin(global_invocation_id) at: vec3u) {
    if (at.x >= shape.n || at.y >= state.tokens) { return; }
    let i = at.y * shape.n + at.x;
    x[i] = shape.cap * tanh(clamp(x[i] / shape.cap, -10.0, 10.0));
}
