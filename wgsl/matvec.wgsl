// matvec: y = W · x for one token, with what comes before the matrix (source) and after it (sink).
// A workgroup has LANES / PART quads of rows. PART lanes share a quad: each takes every PART-th block of
// x, kept in registers for the four rows, and their sums are added up at the end. Workgroups fold over x
// and y: a vocabulary has more than one dimension's 65535.
//   x          read   [n_in], or the residual stream
//   y          write  [first + n_out]
//   W          read   [w_row + rows, n_in], encoded: codes and scales, or values
//   branch, vectors, next, inputs: see the source and the sink
//   shape      uniform
// grid: (n_out / outputs of a workgroup), folded
//! param
const LANES: u32 = 64u;
const PART: u32 = 8u;
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
var<workgroup> partial: array<vec4f, LANES>;

fn row_part(row: u32, block: u32, x: Block) -> f32 {
    let at = shape.w_row + row;
    return dot_block(weight_block(at, block, shape.n_in), x) * weight_scale(at, block, shape.n_in);
}

// The sum of the workgroup's i-th row.
fn sum_of(i: u32) -> f32 {
    var sum = 0.0;
    for (var part = 0u; part < PART; part++) { sum += partial[i / 4u * PART + part][i % 4u]; }
    return sum;
}

@compute @workgroup_size(LANES)
fn matvec(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
          @builtin(local_invocation_index) lane: u32) {
    let number = group.x + group.y * groups.x;
    let count = QUADS * outputs();
    let first = number * count;
    if (first >= shape.n_out) { return; }  // all lanes leave together
    prepare(lane, number == 0u);
    let row = row_of(number * QUADS + lane / PART);
    let grid = input_grid(row);
    var sums = vec4f();
    for (var block = lane % PART; block * BLOCK < shape.n_in; block += PART) {
        let x = input_block(source_block(block), grid);
        sums += vec4f(row_part(row, block, x), row_part(row + 1u, block, x),
                      row_part(row + 2u, block, x), row_part(row + 3u, block, x));
    }
    partial[lane] = sums;
    workgroupBarrier();
    for (var i = lane; i < count; i += LANES) {
        if (first + i < shape.n_out) { y[shape.first + first + i] = finish(i, first + i); }
    }
}
