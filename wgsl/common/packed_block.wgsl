// A block as 32 int8 codes: eight words of four in an order that each form of the weights has for itself.
struct Codes { a: vec4u, b: vec4u }

fn pack(x: f32, y: f32, z: f32, w: f32) -> u32 { return pack4xI8(vec4i(vec4f(x, y, z, w))); }

fn dot_codes(w: Codes, x: Codes) -> i32 {
    return dot4I8Packed(w.a.x, x.a.x) + dot4I8Packed(w.a.y, x.a.y)
        + dot4I8Packed(w.a.z, x.a.z) + dot4I8Packed(w.a.w, x.a.w)
        + dot4I8Packed(w.b.x, x.b.x) + dot4I8Packed(w.b.y, x.b.y)
        + dot4I8Packed(w.b.z, x.b.z) + dot4I8Packed(w.b.w, x.b.w);
}
