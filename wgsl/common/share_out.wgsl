// share_out: the sums of SPLITS neighbours' scores. Of those four lanes the first gets key a's, the second key
// b's. Every lane is to come here: there are barriers.
fn numbered(lane: u32) -> u32 { return lane; }

fn four_parts(lane: u32) -> vec4f {
    let first = lane - lane % SPLITS;
    return exchange[first] + exchange[first + 1u] + exchange[first + 2u] + exchange[first + 3u];
}

fn share_out(scores: Scores, lane: u32) -> vec4f {
    exchange[lane] = scores.a;
    workgroupBarrier();
    let of_a = four_parts(lane);
    workgroupBarrier();
    exchange[lane] = scores.b;
    workgroupBarrier();
    return select(of_a, four_parts(lane), lane % 2u == 1u);
}
