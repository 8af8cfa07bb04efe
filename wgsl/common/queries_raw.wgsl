// read_queries: the heads of a group for one token, made here from qkv, zero where there are fewer: in ROUNDS,
// a head a team of lanes, all loaded before any is made. Where the layer owns K and V, groups that see the
// newest key make these too: the first group of a key head writes them, and each takes them from `exchange`, as
// the cache holds them, with their scores in `newest_scores`. Nobody reads them from the cache in this dispatch.
//! include head_values
const ROUNDS: u32 = (HEADS + 2u + TEAMS - 1u) / TEAMS;  // 3 at most: queries, K, V
const TEAM_EIGHTS: u32 = (TEAM + 7u) / 8u;
const SCORERS: u32 = 16u;  // lanes that share a score
var<workgroup> eights: array<vec4f, TEAMS * TEAM_EIGHTS>;  // sums of squares, a component a round

fn read_queries(token: u32, first_head: u32, heads: u32, kv_head: u32, position: u32, newest: bool, lane: u32) -> bool {
    let team = lane / TEAM;
    let member = lane % TEAM;
    let given = shape.owner == 1u && newest;
    let count = heads + select(0u, 2u, given);
    let turns = angles(member, position);
    var found = array<Pairs, ROUNDS>();
    var squares = vec4f();
    for (var round = 0u; round < ROUNDS; round++) {
        let i = min(round * TEAMS + team, count - 1u);
        let kind = kind_of(i, heads);
        let at = select(shape.heads + kv_head + select(0u, shape.kv_heads, kind == IS_V), first_head + i, kind == IS_Q);
        found[round] = head_values(at * FOURS + member);
        squares[round] = dot(found[round].low, found[round].low) + dot(found[round].high, found[round].high);
    }
    exchange[lane] = squares;
    workgroupBarrier();
    if (team < TEAMS && member % 8u == 0u) {
        var sum = vec4f();
        for (var i = 0u; i < min(8u, TEAM - member); i++) { sum += exchange[lane + i]; }
        eights[team * TEAM_EIGHTS + member / 8u] = sum;
    }
    workgroupBarrier();
    squares = vec4f();
    for (var i = 0u; i < TEAM_EIGHTS; i++) { squares += eights[min(team, TEAMS - 1u) * TEAM_EIGHTS + i]; }
    let base = (position % shape.ring * shape.kv_heads + kv_head) * ROW;
    let writes = first_head == kv_head * (shape.heads / shape.kv_heads);
    for (var round = 0u; round < ROUNDS; round++) {
        let i = round * TEAMS + team;
        let kind = kind_of(min(i, count - 1u), heads);
        let made = finished(found[round], norm_values(kind, member), squares[round], kind, turns);
        let own = team < TEAMS && i < count;
        if (own && kind == IS_Q) {
            query[i * PADDED + member] = made.low;
            query[i * PADDED + member + TEAM] = made.high;
        }
        if (!given || (round + 1u) * TEAMS <= heads) { continue; }  // the same for the whole workgroup
        let row = encoded(made, lane);
        if (own && kind != IS_Q) {
            if (writes) { store_row(base, row, kind == IS_V, member); }
            let at = select(0u, FOURS, kind == IS_V) + member;
            exchange[at] = decoded(row.low, row.scale);
            exchange[at + TEAM] = decoded(row.high, row.scale);
        }
    }
    for (var i = lane; i < HEADS * PADDED; i += LANES) {
        if (i / PADDED >= heads || i % PADDED >= FOURS) { query[i] = vec4f(); }
    }
    workgroupBarrier();
    if (!given) { return false; }
    if (lane < HEADS * SCORERS) {
        var score = 0.0;
        for (var i = lane % SCORERS; i < FOURS; i += SCORERS) {
            score += dot(query[lane / SCORERS * PADDED + i], exchange[i]);
        }
        weights[lane] = vec4f(score);  // nobody has weights yet
    }
    workgroupBarrier();
    if (lane < HEADS) {
        var score = 0.0;
        for (var i = 0u; i < SCORERS; i++) { score += weights[lane * SCORERS + i].x; }
        newest_scores[lane] = score;
    }
    workgroupBarrier();
    return true;
}
