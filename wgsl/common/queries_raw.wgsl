// read_queries: four heads of one token, made here from qkv, zero where there are fewer. Where the layer
// owns K and V, the groups that see the newest key write it: all of them the same bytes.
//! include make_head

fn put_queries(at: u32, x: Pairs, pairs: vec4u) {
    let i = vec4u(at) + pairs;
    let j = i + HALF;
    if (pairs.x < HALF) { query[i.x / 4u][i.x % 4u] = x.low.x; query[j.x / 4u][j.x % 4u] = x.high.x; }
    if (pairs.y < HALF) { query[i.y / 4u][i.y % 4u] = x.low.y; query[j.y / 4u][j.y % 4u] = x.high.y; }
    if (pairs.z < HALF) { query[i.z / 4u][i.z % 4u] = x.low.z; query[j.z / 4u][j.z % 4u] = x.high.z; }
    if (pairs.w < HALF) { query[i.w / 4u][i.w % 4u] = x.low.w; query[j.w / 4u][j.w % 4u] = x.high.w; }
}

fn read_queries(token: u32, first_head: u32, heads: u32, kv_head: u32, position: u32, newest: bool, lane: u32) {
    let team = lane / TEAM;
    let member = lane % TEAM;
    let turns = turns_at(position, member);
    let base = (position % shape.ring * shape.kv_heads + kv_head) * ROW;
    let owned = select(0u, 2u, shape.owner == 1u && newest);
    for (var first = 0u; first < heads + owned; first += TEAMS) {  // the queries, K, V: one a team
        let i = min(first + team, heads + owned - 1u);
        let is_own = team < TEAMS && i == first + team;
        let is_q = i < heads;
        let is_v = i == heads + 1u;
        let at = select(shape.heads + kv_head + select(0u, shape.kv_heads, is_v), first_head + i, is_q);
        let weight = select(select(shape.k_norm, NO_WEIGHT, is_v), shape.q_norm, is_q);
        let made = make_head(at * HEAD_DIM, weight, !is_v, turns, lane);
        if (is_q && is_own) {
            put_queries(i * HEAD_DIM, made.first, first_pairs(member));
            put_queries(i * HEAD_DIM, made.second, second_pairs(member));
        }
        if (owned == 0u || first + TEAMS <= heads) { continue; }  // the same for the whole workgroup
        hold_head(made, lane);
        encode_head(lane);
        for (var j = member; j < ROW && is_own && !is_q; j += TEAM) {
            if (is_v) { v[base + j] = encoded(team, j); } else { k[base + j] = encoded(team, j); }
        }
    }
    for (var i = heads * FOURS + lane; i < 4u * FOURS; i += LANES) { query[i] = vec4f(); }
    if (owned > 0u) { storageBarrier(); }
    workgroupBarrier();
}
