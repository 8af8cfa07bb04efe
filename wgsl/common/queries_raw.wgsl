// read_queries: four heads of one token, made here from qkv, zero where there are fewer. Where the layer
// owns K and V, the groups that see the newest key write it: all of them the same bytes.
//! include make_head

fn read_queries(token: u32, first_head: u32, heads: u32, kv_head: u32, position: u32, newest: bool, lane: u32) {
    for (var i = 0u; i < heads; i++) {
        make_head((first_head + i) * HEAD_DIM, shape.q_norm, shape.pairs, position, lane);
        for (var j = lane; j < FOURS; j += LANES) { query[i * FOURS + j] = head4(j); }
        workgroupBarrier();
    }
    for (var i = heads * FOURS + lane; i < 4u * FOURS; i += LANES) { query[i] = vec4f(); }
    if (shape.owner == 1u && newest) {
        let base = (position % shape.ring * shape.kv_heads + kv_head) * ROW;
        make_head((shape.heads + kv_head) * HEAD_DIM, shape.k_norm, shape.pairs, position, lane);
        encode_head(lane);
        for (var i = lane; i < ROW; i += LANES) { k[base + i] = encoded(i); }
        workgroupBarrier();
        make_head((shape.heads + shape.kv_heads + kv_head) * HEAD_DIM, NO_WEIGHT, 0u, position, lane);
        encode_head(lane);
        for (var i = lane; i < ROW; i += LANES) { v[base + i] = encoded(i); }
        storageBarrier();
    }
    workgroupBarrier();
}
