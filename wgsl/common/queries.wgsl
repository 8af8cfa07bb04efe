// read_queries: the heads of a group as `heads` left them in qkv, zero where there are fewer. The newest key
// and value are in the cache.
@group(0) @binding(QKV_SLOT) var<storage, read_write> qkv: array<vec4f>;

fn read_queries(token: u32, first_head: u32, heads: u32, kv_head: u32, position: u32, newest: bool, lane: u32) -> bool {
    let at = token * (shape.stride / 4u) + first_head * FOURS;
    for (var i = lane; i < HEADS * PADDED; i += LANES) {
        var found = vec4f();
        if (i / PADDED < heads && i % PADDED < FOURS) { found = qkv[at + i / PADDED * FOURS + i % PADDED]; }
        query[i] = found;
    }
    workgroupBarrier();
    return false;
}
