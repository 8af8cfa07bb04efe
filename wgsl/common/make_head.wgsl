// make_head: heads of qkv, each by a team of lanes: normed; weighted by `vectors` from `weight` on unless
// that is NO_WEIGHT; and turned by its position. A lane has eight pairs of a head's values in registers,
// TEAM apart; what lies past HALF is read as the last pair and counts for nothing.
//! include head
//! include rope
@group(0) @binding(QKV_SLOT) var<storage, read_write> qkv: array<f32>;
@group(0) @binding(VECTORS_SLOT) var<storage, read> vectors: array<f32>;
const NO_WEIGHT: u32 = 0xffffffffu;
var<workgroup> squares: array<f32, LANES>;

struct Pairs { low: vec4f, high: vec4f }  // values i and i + HALF
struct Head { first: Pairs, second: Pairs }
struct Turns { first: Angles, second: Angles }

fn first_pairs(member: u32) -> vec4u { return vec4u(member) + TEAM * vec4u(0u, 1u, 2u, 3u); }
fn second_pairs(member: u32) -> vec4u { return vec4u(member) + TEAM * vec4u(4u, 5u, 6u, 7u); }

fn turns_at(position: u32, member: u32) -> Turns {
    return Turns(angles(first_pairs(member), position), angles(second_pairs(member), position));
}

fn read_pairs(at: u32, pairs: vec4u) -> Pairs {
    let i = vec4u(at) + min(pairs, vec4u(HALF - 1u));
    return Pairs(vec4f(qkv[i.x], qkv[i.y], qkv[i.z], qkv[i.w]),
                 vec4f(qkv[i.x + HALF], qkv[i.y + HALF], qkv[i.z + HALF], qkv[i.w + HALF]));
}

fn sum_of_squares(x: Pairs, pairs: vec4u) -> f32 {
    return dot(select(vec4f(), x.low * x.low + x.high * x.high, pairs < vec4u(HALF)), vec4f(1.0));
}

fn times(x: Pairs, by: f32) -> Pairs { return Pairs(x.low * by, x.high * by); }

fn weighted(x: Pairs, weight: u32, pairs: vec4u) -> Pairs {
    if (weight == NO_WEIGHT) { return x; }
    let i = vec4u(weight) + min(pairs, vec4u(HALF - 1u));
    return Pairs(
        x.low * vec4f(vectors[i.x], vectors[i.y], vectors[i.z], vectors[i.w]),
        x.high * vec4f(vectors[i.x + HALF], vectors[i.y + HALF], vectors[i.z + HALF], vectors[i.w + HALF]));
}

fn turned(x: Pairs, by: Angles) -> Pairs {
    return Pairs(x.low * by.cos - x.high * by.sin, x.high * by.cos + x.low * by.sin);
}

// The head at `at` of qkv, normed unless it has no weight and V is not; `turning` is whether it turns. Every
// lane is to come here: there are barriers.
fn make_head(at: u32, weight: u32, turning: bool, turns: Turns, lane: u32) -> Head {
    let member = lane % TEAM;
    let first = read_pairs(at, first_pairs(member));
    let second = read_pairs(at, second_pairs(member));
    squares[lane] = sum_of_squares(first, first_pairs(member)) + sum_of_squares(second, second_pairs(member));
    workgroupBarrier();
    if (member == 0u) {
        var all = 0.0;
        for (var i = lane; i < min(LANES, lane + TEAM); i++) { all += squares[i]; }
        squares[lane] = all;
    }
    workgroupBarrier();
    let sum = squares[lane - member];
    workgroupBarrier();
    var factor = 1.0;
    if (weight != NO_WEIGHT || shape.v_norm == 1u) { factor = inverseSqrt(sum / f32(HEAD_DIM) + shape.eps); }
    let normed = Head(weighted(times(first, factor), weight, first_pairs(member)),
                      weighted(times(second, factor), weight, second_pairs(member)));
    if (!turning) { return normed; }
    return Head(turned(normed.first, turns.first), turned(normed.second, turns.second));
}

fn hold_pairs(at: u32, x: Pairs, pairs: vec4u) {
    let i = vec4u(at) + pairs;
    if (pairs.x < HALF) { held[i.x] = x.low.x; held[i.x + HALF] = x.high.x; }
    if (pairs.y < HALF) { held[i.y] = x.low.y; held[i.y + HALF] = x.high.y; }
    if (pairs.z < HALF) { held[i.z] = x.low.z; held[i.z + HALF] = x.high.z; }
    if (pairs.w < HALF) { held[i.w] = x.low.w; held[i.w + HALF] = x.high.w; }
}

// Into `held`, ready to be encoded. Ends on a barrier.
fn hold_head(made: Head, lane: u32) {
    let member = lane % TEAM;
    if (lane / TEAM < TEAMS) {
        hold_pairs(lane / TEAM * HEAD_DIM, made.first, first_pairs(member));
        hold_pairs(lane / TEAM * HEAD_DIM, made.second, second_pairs(member));
    }
    workgroupBarrier();
}
