// Four f16 in two words, without the shader-f16 feature.
alias Half4 = vec2u;
fn unpack_half4(four: Half4) -> vec4f { return vec4f(unpack2x16float(four.x), unpack2x16float(four.y)); }
fn pack_half4(four: vec4f) -> Half4 { return vec2u(pack2x16float(four.xy), pack2x16float(four.zw)); }
