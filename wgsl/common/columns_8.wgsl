// The products of eight tokens with a quad of rows: a vector a token.
const COLUMNS: u32 = 8u;
struct Sums { low: mat4x4f, high: mat4x4f }
fn products(w: mat4x4f, token: u32, four: u32, grid: f32) -> Sums {
    return Sums(mat4x4f(x_part(token, four, grid) * w, x_part(token + 1u, four, grid) * w,
                        x_part(token + 2u, four, grid) * w, x_part(token + 3u, four, grid) * w),
                mat4x4f(x_part(token + 4u, four, grid) * w, x_part(token + 5u, four, grid) * w,
                        x_part(token + 6u, four, grid) * w, x_part(token + 7u, four, grid) * w));
}
fn plus(a: Sums, b: Sums) -> Sums { return Sums(a.low + b.low, a.high + b.high); }
fn scaled_four(a: mat4x4f, by: vec4f) -> mat4x4f { return mat4x4f(a[0] * by, a[1] * by, a[2] * by, a[3] * by); }
fn scaled(a: Sums, by: vec4f) -> Sums { return Sums(scaled_four(a.low, by), scaled_four(a.high, by)); }
fn keep_four(at: u32, a: mat4x4f) {
    partial[at] = a[0];
    partial[LANES + at] = a[1];
    partial[LANES * 2u + at] = a[2];
    partial[LANES * 3u + at] = a[3];
}
fn keep(lane: u32, a: Sums) {
    keep_four(lane, a.low);
    keep_four(LANES * 4u + lane, a.high);
}
