// read_queries: four heads of one token, made here from qkv, zero where there are fewer. Where the layer
// owns K and V, the groups that see the newest key write it: all of them the same bytes.
//! include make_head

fn read_queries(token: u32, first_head: u32, heads: u32, kv_head: u32, position: u32, newest: bool, lane: u32) {
    let team = lane / TEAM;
    let member = lane % TEAM;
    let turns = angles(member, position);
    let base = (position % shape.ring * shape.kv_heads + kv_head) * ROW;
    let owned = select(0u, 2u, shape.owner == 1u && newest);
    for (var first = 0u; first < heads + owned; first += TEAMS) {  // the queries, K, V: one a team
        let i = min(first + team, heads + owned - 1u);
        let is_own = team < TEAMS && i == first + team;
        let is_q = i < heads;
        let is_v = i == heads + 1u;
        let at = select(shape.heads + kv_head + select(0u, shape.kv_heads, is_v), first_head + i, is_q);
        let weight = select(select(shape.k_norm, NO_WEIGHT, is_v), shape.q_norm, is_q);
        let made = make_head(at * FOURS, weight, !is_v, turns, lane);
        if (is_q && is_own) {
            query[i * FOURS + member] = made.low;
            query[i * FOURS + member + TEAM] = made.high;
        }
        if (owned == 0u || first + TEAMS <= heads) { continue; }  // the same for the whole workgroup
        store_head(base, made, is_v, is_own && !is_q, lane);
    }
    for (var i = heads * FOURS + lane; i < 4u * FOURS; i += LANES) { query[i] = vec4f(); }
    if (owned > 0u) { storageBarrier(); }
    workgroupBarrier();
}
