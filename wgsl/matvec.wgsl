// matvec: y = W · x for one token.
// A workgroup makes ROWS rows, each with its own PART of the lanes, which stride over the row by fours
// and then add up. Workgroups fold over x and y: a vocabulary has more than one dimension's 65535.
//   0 x        read   [n_in]
//   1 y        write  [first_row + n_out]
//   2 state    read   (unused: keeps the slots of matvec and matmul alike)
//   3 … W      read   [n_out, n_in], encoded
//   last shape uniform
// grid: (n_out / ROWS), folded
//! param
const LANES: u32 = 64u;
const ROWS: u32 = 8u;
//! end
//! include state
//! include weights
//! include x4
//! include input
//! include output

struct Shape {
    n_in: u32, n_out: u32, first_row: u32, stride: u32,
    input_grid: f32, output_grid: f32,  // of packed weights alone
}
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read> state: State;
@group(0) @binding(SHAPE_SLOT) var<uniform> shape: Shape;

const PART: u32 = LANES / ROWS;
var<workgroup> partial: array<f32, LANES>;

@compute @workgroup_size(LANES)
fn matvec(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
          @builtin(local_invocation_index) lane: u32) {
    let first = (group.x + group.y * groups.x) * ROWS;
    if (first >= shape.n_out) { return; }  // all lanes leave together, so the barriers stay legal
    let row = first + lane / PART;
    let within = lane % PART;
    var sum = 0.0;
    if (row < shape.n_out) {
        for (var column = within * 4u; column < shape.n_in; column += PART * 4u) {
            sum += dot(weight4(row, column, shape.n_in), input4(x4(0u, column, shape.n_in)));
        }
    }
    partial[lane] = sum;
    workgroupBarrier();
    for (var half = PART / 2u; half > 0u; half >>= 1u) {
        if (within < half) { partial[lane] += partial[lane + half]; }
        workgroupBarrier();
    }
    if (within == 0u && row < shape.n_out) { y[shape.first_row + row] = output(partial[lane], row); }
}
