// merge: the parts of a split attention to one: y = Σ sums · e^(largest - L) / Σ total · e^(largest - L).
//   parts      read   [tokens, heads, splits, FOURS + 1]: sums, then (largest, total)
//   y          write  [tokens, heads, FOURS]
//   state      read
//   shape      uniform
// grid: (heads, tokens)
//! param
const LANES: u32 = 64u;
const HEAD_DIM: u32 = 256u;
//! end
//! include state
//! include head_shape
@group(0) @binding(PARTS_SLOT) var<storage, read> parts: array<vec4f>;
@group(0) @binding(Y_SLOT) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(STATE_SLOT) var<storage, read> state: State;
@group(0) @binding(SHAPE_SLOT) var<uniform> shape: Shape;

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
