// Four of a row by four weights, and such sums made smaller: a column a weight.
fn outer(v: vec4f, by: vec4f) -> mat4x4f {
    return mat4x4f(v * by.x, v * by.y, v * by.z, v * by.w);
}

fn scaled(sums: mat4x4f, by: vec4f) -> mat4x4f {
    return mat4x4f(sums[0] * by.x, sums[1] * by.y, sums[2] * by.z, sums[3] * by.w);
}
