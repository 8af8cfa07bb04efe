// A head's K and V rows in the cache as i8, four codes a word, then one f32 scale.
alias Word = u32;
const ROW_WORDS: u32 = HEAD_DIM / 4u + 1u;

fn code4(word: u32) -> vec4f {
    let codes = bitcast<i32>(word);
    return vec4f(
        f32(extractBits(codes, 0u, 8u)),
        f32(extractBits(codes, 8u, 8u)),
        f32(extractBits(codes, 16u, 8u)),
        f32(extractBits(codes, 24u, 8u)),
    );
}

fn k4(base: u32, group: u32) -> vec4f {
    return code4(k[base + group]) * bitcast<f32>(k[base + HEAD_DIM / 4u]);
}

fn v4(base: u32, group: u32) -> vec4f {
    return code4(v[base + group]) * bitcast<f32>(v[base + HEAD_DIM / 4u]);
}
