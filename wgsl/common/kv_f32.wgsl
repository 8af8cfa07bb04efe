// A head's K and V rows in the cache as f32, one value a word.
alias Word = u32;
const ROW_WORDS: u32 = HEAD_DIM;

fn k4(base: u32, group: u32) -> vec4f {
    let at = base + group * 4u;
    return bitcast<vec4f>(vec4u(k[at], k[at + 1u], k[at + 2u], k[at + 3u]));
}

fn v4(base: u32, group: u32) -> vec4f {
    let at = base + group * 4u;
    return bitcast<vec4f>(vec4u(v[at], v[at + 1u], v[at + 2u], v[at + 3u]));
}
