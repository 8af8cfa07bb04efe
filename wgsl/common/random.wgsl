// A number in [0, 1) for a seed and a position: Philox2x32-10 (Salmon et al., "Parallel random numbers: as easy as
// 1, 2, 3", 2011), a bijection of the counter under each key, so that no two draws of a seed are related, nor
// those of two seeds. The upper 24 of 32 bits, times a power of two: exact in f32, and below 1.
fn product_high(a: u32, b: u32) -> u32 {
    let low = (a & 0xffffu) * (b & 0xffffu);
    let first = (a >> 16u) * (b & 0xffffu) + (low >> 16u);
    let second = (a & 0xffffu) * (b >> 16u) + (first & 0xffffu);
    return (a >> 16u) * (b >> 16u) + (first >> 16u) + (second >> 16u);
}

fn random_word(seed: u32, position: u32) -> u32 {
    var counter = vec2u(position, 0u);
    var key = seed;
    for (var round = 0u; round < 10u; round++) {
        let high = product_high(0xd256d193u, counter.x);
        counter = vec2u(high ^ key ^ counter.y, 0xd256d193u * counter.x);
        key += 0x9e3779b9u;
    }
    return counter.x;
}

fn random_unit(seed: u32, position: u32) -> f32 {
    return f32(random_word(seed, position) >> 8u) * 5.9604644775390625e-8;
}
