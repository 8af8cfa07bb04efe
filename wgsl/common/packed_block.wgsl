// Int8 codes, sixteen in four words in an order that each form of the weights has for itself; a block has 32.
struct Codes { a: vec4u, b: vec4u }

fn pack(x: vec4f) -> u32 { return pack4xI8(vec4i(x)); }

fn pack_block(x: Block) -> Codes {
    return Codes(pack_sixteen(mat4x4f(x[0], x[1], x[2], x[3])), pack_sixteen(mat4x4f(x[4], x[5], x[6], x[7])));
}

fn dot_codes(w: Codes, x: Codes) -> i32 {
    return dot4I8Packed(w.a.x, x.a.x) + dot4I8Packed(w.a.y, x.a.y)
        + dot4I8Packed(w.a.z, x.a.z) + dot4I8Packed(w.a.w, x.a.w)
        + dot4I8Packed(w.b.x, x.b.x) + dot4I8Packed(w.b.y, x.b.y)
        + dot4I8Packed(w.b.z, x.b.z) + dot4I8Packed(w.b.w, x.b.w);
}
