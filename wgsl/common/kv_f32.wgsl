// A head's row of K or V in the cache as f32, four values an element.
alias Four = vec4f;
const ROW: u32 = HEAD_DIM / 4u;

fn codes_of(four: Four) -> vec4f { return four; }
fn k_scale(base: u32) -> f32 { return 1.0; }
fn v_scale(base: u32) -> f32 { return 1.0; }
fn k4(base: u32, i: u32) -> vec4f { return codes_of(k[base + i]); }
fn v4(base: u32, i: u32) -> vec4f { return codes_of(v[base + i]); }
//! include head
fn encoded(x: Pairs, lane: u32) -> Row { return Row(x.low, x.high, Four()); }
fn decoded(four: Four, scale: Four) -> vec4f { return four; }
