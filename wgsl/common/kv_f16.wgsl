// A head's row of K or V in the cache as f16, four values an element.
//! include half4
alias Four = Half4;
const ROW: u32 = HEAD_DIM / 4u;

fn k4(base: u32, i: u32) -> vec4f { return unpack_half4(k[base + i]); }
fn v4(base: u32, i: u32) -> vec4f { return unpack_half4(v[base + i]); }
//! include head
fn encoded(x: Pairs, lane: u32) -> Row { return Row(pack_half4(x.low), pack_half4(x.high), Four()); }
