// matvec_i8: y = W · x for one token as matvec makes it, but of int8 codes: products of whole numbers, which
// the language adds up four at a time, and a scale at the end. Every input has a grid. A workgroup makes x's
// codes once; where it has rows of a gate and of what it gates, by the grid of each.
//   x          read   [n_in], or the residual stream
//   y          write  [first + n_out]
//   W          read   [w_row + rows, n_in]: codes and scales
//   branch, vectors, next, inputs: see the source and the sink
//   shape      uniform
// grid: (n_out / outputs of a workgroup), folded
//! param
const LANES: u32 = 64u;
const PART: u32 = 8u;
const WIDTH: u32 = 1536u;
const GRIDS: u32 = 1u;
//! end
//! include matrix_shape
//! include weights
//! include source
//! include input
//! include output
//! include sink

@group(0) @binding(Y_SLOT) var<storage, read_write> y: array<f32>;
@group(0) @binding(SHAPE_SLOT) var<uniform> shape: Shape;

const QUADS: u32 = LANES / PART;  // of rows, in a workgroup; a quad's are of one matrix
const BLOCKS: u32 = WIDTH / BLOCK;
var<workgroup> x_codes: array<vec4u, GRIDS * BLOCKS * 2u>;  // for each grid the blocks' first halves, then their second
var<workgroup> partial: array<vec4i, LANES>;

fn row_part(row: u32, block: u32, x: Codes) -> i32 {
    return dot_codes(weight_codes(shape.w_row + row, block, WIDTH), x);
}

// The sum of the workgroup's i-th row.
fn sum_of(i: u32) -> f32 {
    var sum = 0;
    for (var part = 0u; part < PART; part++) { sum += partial[i / 4u * PART + part][i % 4u]; }
    return f32(sum >> SHIFT);
}

@compute @workgroup_size(LANES)
fn matvec_i8(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
             @builtin(local_invocation_index) lane: u32) {
    let number = group.x + group.y * groups.x;
    let count = QUADS * outputs();
    let first = number * count;
    if (first >= shape.n_out) { return; }  // all lanes leave together
    prepare(lane, number == 0u);
    for (var i = lane; i < GRIDS * BLOCKS; i += LANES) {
        let grid = input_grid(row_of(number * QUADS + i / BLOCKS * (QUADS / GRIDS)));
        let x = pack_block(input_block(source_block(i % BLOCKS), grid));
        let at = i / BLOCKS * BLOCKS * 2u + i % BLOCKS;
        x_codes[at] = x.a;
        x_codes[at + BLOCKS] = x.b;
    }
    workgroupBarrier();
    let row = row_of(number * QUADS + lane / PART);
    let own = lane / PART / (QUADS / GRIDS) * BLOCKS * 2u;
    var sums = vec4i();
    for (var block = lane % PART; block < BLOCKS; block += PART) {
        let x = Codes(x_codes[own + block], x_codes[own + BLOCKS + block]);
        sums += vec4i(row_part(row, block, x), row_part(row + 1u, block, x),
                      row_part(row + 2u, block, x), row_part(row + 3u, block, x));
    }
    partial[lane] = sums;
    workgroupBarrier();
    for (var i = lane; i < count; i += LANES) {
        if (first + i < shape.n_out) { y[shape.first + first + i] = finish(i, first + i); }
    }
}
