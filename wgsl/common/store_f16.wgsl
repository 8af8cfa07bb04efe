// store_head: the workgroup's `head` row into the cache as f16, two values a word.
const ROW_WORDS: u32 = HEAD_DIM / 2u;

fn store_head(base: u32, lane: u32) {
    for (var i = lane; i < ROW_WORDS; i += LANES) {
        cache[base + i] = pack2x16float(vec2f(head[2u * i], head[2u * i + 1u]));
    }
}
