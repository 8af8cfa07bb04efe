// One head of a token in workgroup memory: normed, weighted, turned.
var<workgroup> head: array<f32, HEAD_DIM>;
fn head4(i: u32) -> vec4f { return vec4f(head[4u * i], head[4u * i + 1u], head[4u * i + 2u], head[4u * i + 3u]); }
