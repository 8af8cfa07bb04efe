// Floats by their bits, as whole numbers that ascend with them; 0 and -0 are one. Comparing floats would not do:
// WGSL lets a compiler take it that there is no NaN. What is not finite, or as large as no logit is (NOT_A_LOGIT), is
// the largest of all, so that no search for the best misses it. No float is 0, which stands for none.
const NOT_FINITE: u32 = 0xffffffffu;
const LARGEST: u32 = 0x7e967699u;  // 1e38
const NO_ID: u32 = 0xffffffffu;
const NONE_BITS: u32 = 0xff7fc99eu;  // -3.4e38, what stands beside NO_ID

fn order_of(bits: u32) -> u32 {
    if ((bits & 0x7fffffffu) > LARGEST) { return NOT_FINITE; }
    let plain = select(bits, 0u, bits == 0x80000000u);
    return select(plain | 0x80000000u, ~plain, plain >= 0x80000000u);
}

// The bits of a float from its place in the order.
fn bits_at(order: u32) -> u32 { return select(~order, order & 0x7fffffffu, order >= 0x80000000u); }

// Whether (order, id) comes before another: the larger first, the lower id first in a tie.
fn before(one: vec2u, other: vec2u) -> bool {
    return one.x > other.x || (one.x == other.x && one.y < other.y);
}
