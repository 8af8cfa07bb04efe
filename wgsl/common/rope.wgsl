// turn: a pair of a head's values, rotated by position. No large angle meets sin or cos here: a row
// for position = low + 256 · high is the complex product of two rows, made in float64 by plan/rope.py.
// `rope` is [256 + ceil(capacity / 256), pairs], (cos, sin) each: the low rows, then the high rows.
@group(0) @binding(ROPE_SLOT) var<storage, read> rope: array<vec2f>;
const LOW_ROWS: u32 = 256u;

fn turn(pair: vec2f, index: u32, position: u32, pairs: u32) -> vec2f {
    if (index >= pairs) { return pair; }
    let low = rope[(position % LOW_ROWS) * pairs + index];
    let high = rope[(LOW_ROWS + position / LOW_ROWS) * pairs + index];
    let angle = vec2f(low.x * high.x - low.y * high.y, low.x * high.y + low.y * high.x);
    return vec2f(pair.x * angle.x - pair.y * angle.y, pair.y * angle.x + pair.x * angle.y);
}
