// Two f16 in a word, bound as the device's own f16 type. (naga's bitcast from u32 is wrong: do not.)
alias Half2 = vec2<f16>;
fn unpack_half(word: Half2) -> vec2f { return vec2f(word); }
