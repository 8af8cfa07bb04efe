// read_queries: four heads of qkv that are normed and turned already, zero where there are fewer.
@group(0) @binding(QKV_SLOT) var<storage, read_write> qkv: array<f32>;

fn read_queries(token: u32, first_head: u32, heads: u32, kv_head: u32, position: u32, newest: bool, lane: u32) {
    for (var i = lane; i < 4u * FOURS; i += LANES) {
        let at = token * shape.stride + first_head * HEAD_DIM + 4u * i;
        query[i] = select(vec4f(), vec4f(qkv[at], qkv[at + 1u], qkv[at + 2u], qkv[at + 3u]), i / FOURS < heads);
    }
    workgroupBarrier();
}
