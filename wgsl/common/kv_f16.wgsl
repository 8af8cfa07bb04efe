// A head's K and V rows in the cache as f16, two values a word.
//! include half
alias Word = Half2;
const ROW_WORDS: u32 = HEAD_DIM / 2u;

fn k4(base: u32, group: u32) -> vec4f {
    let at = base + group * 2u;
    return vec4f(unpack_half(k[at]), unpack_half(k[at + 1u]));
}

fn v4(base: u32, group: u32) -> vec4f {
    let at = base + group * 2u;
    return vec4f(unpack_half(v[at]), unpack_half(v[at + 1u]));
}
