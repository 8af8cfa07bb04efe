
fn source_block(block: u32) -> Block {
    let at = block * (BLOCK / 4u);
    return Block(staged[at], staged[at + 1u], staged[at + 2u], staged[at + 3u],
                 staged[at + 4u], staged[at + 5u], staged[at + 6u], staged[at + 7u]);
}
