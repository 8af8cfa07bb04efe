// A head's row of K or V in the cache as f16, four values an element.
//! include half4
alias Four = Half4;
const ROW: u32 = HEAD_DIM / 4u;

fn codes_of(four: Four) -> vec4f { return unpack_half4(four); }
fn k_scale(base: u32) -> f32 { return 1.0; }
fn v_scale(base: u32) -> f32 { return 1.0; }
fn k4(base: u32, i: u32) -> vec4f { return codes_of(k[base + i]); }
fn v4(base: u32, i: u32) -> vec4f { return codes_of(v[base + i]); }
//! include head
fn encoded(x: Pairs, lane: u32) -> Row { return Row(pack_half4(x.low), pack_half4(x.high), Four()); }
// Some compilers take what goes to f16 and back for what it was: to quantize it once more changes nothing else.
fn decoded(four: Four, scale: Four) -> vec4f { return quantizeToF16(unpack_half4(four)); }
