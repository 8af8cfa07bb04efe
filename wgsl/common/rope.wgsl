// angles: (cos, sin) by which four pairs of a head's values turn at a position. No large angle meets sin or cos
// here: a row for position = low + 256 · high is the complex product of two rows, made in float64 by
// plan/rope.py. `rope` is [256 + ceil(capacity / 256), pairs / 4, (cos, sin)], fours: the low rows, then the high.
@group(0) @binding(ROPE_SLOT) var<storage, read> rope: array<vec4f>;
const LOW_ROWS: u32 = 256u;

struct Angles { cos: vec4f, sin: vec4f }

fn angles(four: u32, position: u32) -> Angles {
    if (4u * four >= shape.pairs) { return Angles(vec4f(1.0), vec4f()); }
    let row = shape.pairs / 2u;
    let low = position % LOW_ROWS * row + 2u * four;
    let high = (LOW_ROWS + position / LOW_ROWS) * row + 2u * four;
    let low_cos = rope[low];
    let low_sin = rope[low + 1u];
    let high_cos = rope[high];
    let high_sin = rope[high + 1u];
    return Angles(low_cos * high_cos - low_sin * high_sin, low_cos * high_sin + low_sin * high_cos);
}
