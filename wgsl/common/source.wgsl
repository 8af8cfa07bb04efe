// The input of a matvec as it lies in memory.
//! include x
fn prepare(lane: u32, first_group: bool) {}
fn source_block(block: u32) -> Block { return x_block(0u, block, shape.n_in); }
