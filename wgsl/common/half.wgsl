// Two f16 in a word, without the shader-f16 feature.
alias Half2 = u32;
fn unpack_half(word: Half2) -> vec2f { return unpack2x16float(word); }
