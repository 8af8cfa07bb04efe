// input4: what the weights are multiplied with: x as it is.
fn input4(x: vec4f) -> vec4f { return x; }
