// heads: of each token, the queries normed, weighted and turned in place; K likewise and V normed alone,
// into the cache's rings. A team of lanes takes a token, and EACH of its heads in turn, whose angles are the
// same.
//   qkv        both   [tokens, stride / 4]
//   vectors    read   norm weights, by fours
//   rope       read   see common/rope.wgsl
//   k, v       write  [ring, kv_heads, ROW]
//   state      read
//   shape      uniform
// grid: (heads / EACH, and 2 · kv_heads more where the layer owns them, tokens / TEAMS)
//! param
const LANES: u32 = 64u;
const HEAD_DIM: u32 = 256u;
const EACH: u32 = 4u;
//! end
//! include state
//! include head_shape
@group(0) @binding(K_SLOT) var<storage, read_write> k: array<Four>;
@group(0) @binding(V_SLOT) var<storage, read_write> v: array<Four>;
@group(0) @binding(STATE_SLOT) var<storage, read> state: State;
@group(0) @binding(SHAPE_SLOT) var<uniform> shape: Shape;
//! include kv
//! include make_head

@compute @workgroup_size(LANES)
fn heads(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    if (group.y * TEAMS >= state.tokens) { return; }
    let team = lane / TEAM;
    let member = lane % TEAM;
    let own = group.y * TEAMS + team;
    let writes = team < TEAMS && own < state.tokens;
    let token = min(own, state.tokens - 1u);
    let position = state.position + token;
    let turns = angles(member, position);
    let first = shape.first_head + group.x * EACH;
    let count = shape.heads + 2u * shape.kv_heads * shape.owner;
    for (var number = first; number < min(first + EACH, count); number++) {
        let at = token * (shape.stride / 4u) + number * (HEAD_DIM / 4u);
        let kv_number = (number - shape.heads) / shape.kv_heads;  // of a head of K or V: 0 or 1
        let kind = select(IS_K + kv_number, IS_Q, number < shape.heads);
        let made = make_head(at, kind, writes, turns, lane);
        if (kind == IS_Q) {
            if (writes) { qkv[at + member] = made.low; qkv[at + member + TEAM] = made.high; }
            continue;
        }
        let kv_head = (number - shape.heads) % shape.kv_heads;
        let row = encoded(made, lane);
        if (writes) { store_row((position % shape.ring * shape.kv_heads + kv_head) * ROW, row, kind == IS_V, member); }
    }
}
