// angles: (cos, sin) by which pairs of a head's values turn at a position. No large angle meets sin or cos
// here: a row for position = low + 256 · high is the complex product of two rows, made in float64 by
// plan/rope.py. `rope` is [256 + ceil(capacity / 256), pairs], (cos, sin) each: the low rows, then the high.
@group(0) @binding(ROPE_SLOT) var<storage, read> rope: array<vec2f>;
const LOW_ROWS: u32 = 256u;

fn angle(pair: u32, position: u32) -> vec2f {
    if (pair >= shape.pairs) { return vec2f(1.0, 0.0); }
    let low = rope[(position % LOW_ROWS) * shape.pairs + pair];
    let high = rope[(LOW_ROWS + position / LOW_ROWS) * shape.pairs + pair];
    return vec2f(low.x * high.x - low.y * high.y, low.x * high.y + low.y * high.x);
}

struct Angles { cos: vec4f, sin: vec4f }

fn angles(pairs: vec4u, position: u32) -> Angles {
    let x = angle(pairs.x, position);
    let y = angle(pairs.y, position);
    let z = angle(pairs.z, position);
    let w = angle(pairs.w, position);
    return Angles(vec4f(x.x, y.x, z.x, w.x), vec4f(x.y, y.y, z.y, w.y));
}
