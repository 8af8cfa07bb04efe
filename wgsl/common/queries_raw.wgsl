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
    for (var first = 0u; first < heads; first += TEAMS) {
        let i = first + team;
        let made = make_head((first_head + min(i, heads - 1u)) * HEAD_DIM, shape.q_norm, true, turns, lane);
        if (team < TEAMS && i < heads) {
            put_queries(i * HEAD_DIM, made.first, first_pairs(member));
            put_queries(i * HEAD_DIM, made.second, second_pairs(member));
        }
    }
    for (var i = heads * FOURS + lane; i < 4u * FOURS; i += LANES) { query[i] = vec4f(); }
    if (shape.owner == 1u && newest) {
        let base = (position % shape.ring * shape.kv_heads + kv_head) * ROW;
        for (var first = 0u; first < 2u; first += TEAMS) {  // K, then V, or by two teams
            let is_v = first + team == 1u;
            let at = shape.heads + kv_head + select(0u, shape.kv_heads, is_v);
            hold_head(make_head(at * HEAD_DIM, select(shape.k_norm, NO_WEIGHT, is_v), !is_v, turns, lane), lane);
            encode_head(lane);
            for (var i = member; i < ROW && team < TEAMS; i += TEAM) {
                if (first + team == 0u) { k[base + i] = encoded(team, i); }
                if (is_v) { v[base + i] = encoded(team, i); }
            }
        }
        storageBarrier();
    }
    workgroupBarrier();
}
