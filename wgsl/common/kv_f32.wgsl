// A head's row of K or V in the cache as f32, four values an element.
alias Four = vec4f;
const ROW: u32 = HEAD_DIM / 4u;

fn k4(base: u32, i: u32) -> vec4f { return k[base + i]; }
fn v4(base: u32, i: u32) -> vec4f { return v[base + i]; }
//! include head
fn encoded(x: Pairs, lane: u32) -> Row { return Row(x.low, x.high, Four()); }
