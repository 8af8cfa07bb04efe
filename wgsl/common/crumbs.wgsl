// A byte as four u2 codes offset by 2, low bits first.
fn crumbs(word: u32) -> vec4f {
    return vec4f((vec4u(word) >> vec4u(0u, 2u, 4u, 6u)) & vec4u(3u)) - 2.0;
}
