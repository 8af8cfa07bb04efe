// The products of two tokens with a quad of rows: a vector a token.
const COLUMNS: u32 = 2u;
alias Sums = mat2x4f;
fn products(w: mat4x4f, token: u32, four: u32, grid: f32) -> Sums {
    return Sums(x_part(token, four, grid) * w, x_part(token + 1u, four, grid) * w);
}
fn plus(a: Sums, b: Sums) -> Sums { return a + b; }
fn scaled(a: Sums, by: vec4f) -> Sums { return Sums(a[0] * by, a[1] * by); }
fn keep(lane: u32, a: Sums) {
    partial[lane] = a[0];
    partial[LANES + lane] = a[1];
}
