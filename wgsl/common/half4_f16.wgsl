// Four f16, bound as the device's own f16 type.
alias Half4 = vec4<f16>;
fn unpack_half4(four: Half4) -> vec4f { return vec4f(four); }
fn pack_half4(four: vec4f) -> Half4 { return vec4<f16>(four); }
