// matvec: y = W · x for one token.
// A workgroup makes LANES / PART · 4 rows. PART lanes share four rows: each takes every PART-th block of
// x, kept in registers for the four, and their sums are added up at the end. Workgroups fold over x and
// y: a vocabulary has more than one dimension's 65535.
//   0 x        read   [n_in]
//   1 y        write  [first_row + n_out]
//   2 state    read   (unused: keeps the slots of matvec and matmul alike)
//   3 … W      read   [n_out, n_in], encoded
//   last shape uniform
// grid: (n_out / rows of a workgroup), folded
//! param
const LANES: u32 = 64u;
const PART: u32 = 8u;
//! end
//! include state
//! include weights
//! include x
//! include input
//! include output

struct Shape {
    n_in: u32, n_out: u32, first_row: u32, stride: u32,
    input_grid: f32, output_grid: f32,  // of packed weights alone
}
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read> state: State;
@group(0) @binding(SHAPE_SLOT) var<uniform> shape: Shape;

const QUADS: u32 = LANES / PART;  // of rows, in a workgroup
var<workgroup> partial: array<vec4f, LANES>;

fn row_part(row: u32, block: u32, x: Block) -> f32 {
    let inside = min(row, shape.n_out - 1u);  // what is past the end is made, and not written
    return dot_block(weight_block(inside, block, shape.n_in), x) * weight_scale(inside, block, shape.n_in);
}

@compute @workgroup_size(LANES)
fn matvec(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
          @builtin(local_invocation_index) lane: u32) {
    let first = (group.x + group.y * groups.x) * QUADS * 4u;
    if (first >= shape.n_out) { return; }  // all lanes leave together, so the barriers stay legal
    let row = first + lane / PART * 4u;
    var sums = vec4f();
    for (var block = lane % PART; block * BLOCK < shape.n_in; block += PART) {
        let x = input_block(x_block(0u, block, shape.n_in));
        sums += vec4f(row_part(row, block, x), row_part(row + 1u, block, x),
                      row_part(row + 2u, block, x), row_part(row + 3u, block, x));
    }
    partial[lane] = sums;
    workgroupBarrier();
    for (var i = lane; i < QUADS * 4u; i += LANES) {
        var sum = 0.0;
        for (var part = 0u; part < PART; part++) { sum += partial[i / 4u * PART + part][i % 4u]; }
        if (first + i < shape.n_out) { y[shape.first_row + first + i] = output(sum, first + i); }
    }
}
