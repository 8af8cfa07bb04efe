// Two f16 in a word, converted by the device's own f16 type.
fn unpack_half(word: u32) -> vec2f { return vec2f(bitcast<vec2<f16>>(word)); }
fn pack_half(pair: vec2f) -> u32 { return pack2x16float(pair); }  // naga cannot cast f16 pairs to words
