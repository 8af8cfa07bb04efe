// Two f16 in a word, without the shader-f16 feature.
fn unpack_half(word: u32) -> vec2f { return unpack2x16float(word); }
fn pack_half(pair: vec2f) -> u32 { return pack2x16float(pair); }
