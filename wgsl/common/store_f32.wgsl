// store_head: the workgroup's `head` row into the cache as f32.
const ROW_WORDS: u32 = HEAD_DIM;

fn store_head(base: u32, lane: u32) {
    for (var i = lane; i < HEAD_DIM; i += LANES) { cache[base + i] = bitcast<u32>(head[i]); }
}
