// A word as four i8, low byte first.
fn bytes(word: u32) -> vec4f {
    return vec4f((vec4i(bitcast<i32>(word)) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
}
