// read_queries: four heads of qkv that are normed and turned already, zero where there are fewer.
@group(0) @binding(QKV_SLOT) var<storage, read_write> qkv: array<vec4f>;

fn read_queries(token: u32, first_head: u32, heads: u32, kv_head: u32, position: u32, newest: bool, lane: u32) {
    let at = token * (shape.stride / 4u) + first_head * FOURS;
    for (var i = lane; i < 4u * FOURS; i += LANES) { query[i] = select(vec4f(), qkv[at + i], i / FOURS < heads); }
    workgroupBarrier();
}
