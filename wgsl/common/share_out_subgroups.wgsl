// share_out where the device has subgroups: a barrier, for what was read before. No subgroup has fewer than four lanes, but which of a
// workgroup's lanes it has is left open: lanes are numbered so that each subgroup's are neighbours.
var<workgroup> numbers: atomic<u32>;

fn numbered(lane: u32) -> u32 {
    if (lane == 0u) { atomicStore(&numbers, 0u); }  // some devices leave workgroup memory as it was
    workgroupBarrier();
    let own = subgroupExclusiveAdd(1u);
    let size = subgroupAdd(1u);
    var first = 0u;
    if (own == 0u) { first = atomicAdd(&numbers, size); }
    return subgroupBroadcastFirst(first) + own;
}

fn share_out(scores: Scores, lane: u32) -> vec4f {
    workgroupBarrier();
    let of_a = scores.a + subgroupShuffleXor(scores.a, 2u);
    let of_b = scores.b + subgroupShuffleXor(scores.b, 2u);
    let odd = lane % 2u == 1u;
    return select(of_a, of_b, odd) + subgroupShuffleXor(select(of_b, of_a, odd), 1u);
}
