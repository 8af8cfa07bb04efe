// merge: the parts of a split attention to one: y = Σ sums · e^(largest - L) / Σ total · e^(largest - L).
//   parts      read   [tokens, heads, splits, FOURS + 1]: sums, then (largest, total)
//   y          write  [tokens, heads, FOURS]
//   state      read
//   shape      uniform
// grid: (heads, tokens)
const LANES: u32 = 64u;
const HEAD_DIM: u32 = 64u;
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
// The words of a step that deals with heads. qkv has `stride` columns: the queries' heads, then, where
// the layer owns them, those of K and of V. Offsets into `vectors` count fours.
struct Shape {
    heads: u32, kv_heads: u32, stride: u32,
    q_norm: u32, k_norm: u32, v_norm: u32,  // v_norm: whether v is normed, without a weight
    pairs: u32, eps: f32,
    window: u32, ring: u32, splits: u32,
    first_head: u32,  // where only K and V are wanted, the queries' heads are skipped
    owner: u32,  // whether the layer has K and V of its own
    first_group: u32, first_split: u32, first_key: u32, end_key: u32,  // of attention in parts: see kernels/parts.py
    parted: u32,  // whether attention leaves parts of each split, to be merged
}
@group(0) @binding(0) var<storage, read> parts: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(2) var<storage, read> state: State;
@group(0) @binding(3) var<uniform> shape: Shape;

const FOURS: u32 = HEAD_DIM / 4u;

@compute @workgroup_size(LANES)
fn merge(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    if (group.y >= state.tokens) { return; }
    let head = group.y * shape.heads + group.x;
    var largest = -3.0e38;
    for (var split = 0u; split < shape.splits; split++) {
        largest = max(largest, parts[(head * shape.splits + split) * (FOURS + 1u) + FOURS].x);
    }
    for (var i = lane; i < FOURS; i += LANES) {
        var sum = vec4f();
        var total = 0.0;
        for (var split = 0u; split < shape.splits; split++) {
            let at = (head * shape.splits + split) * (FOURS + 1u);
            let shrink = exp(parts[at + FOURS].x - largest);
            sum += parts[at + i] * shrink;
            total += parts[at + FOURS].y * shrink;
        }
        y[head * FOURS + i] = sum / total;
    }
}
