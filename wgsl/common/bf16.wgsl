// Two bf16 in a word: the upper halves of two f32.
fn unpack_bf16(word: u32) -> vec2f { return vec2f(bitcast<f32>(word << 16u), bitcast<f32>(word & 0xffff0000u)); }
