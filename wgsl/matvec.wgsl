// matvec: y = W · x for one token.
// A workgroup a row, folded over x and y: a vocabulary has more rows than the 65535 groups
// of one dimension. The row's LANES invocations stride over it by fours, then add up.
//   0 x        read   [n_in]
//   1 y        write  [first_row + n_out]
//   2 state    read   (unused: keeps the slots of matvec and matmul alike)
//   3 … W      read   [n_out, n_in], encoded
//   last shape uniform
//! param
const LANES: u32 = 64u;
//! end
//! include state
//! include weights
//! include reduce_sum

struct Shape { n_in: u32, n_out: u32, first_row: u32, stride: u32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read> state: State;
@group(0) @binding(SHAPE_SLOT) var<uniform> shape: Shape;

@compute @workgroup_size(LANES)
fn matvec(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
          @builtin(local_invocation_index) lane: u32) {
    let row = group.x + group.y * groups.x;
    if (row >= shape.n_out) { return; }  // all lanes leave together, so the barriers stay legal
    var sum = 0.0;
    for (var column = lane * 4u; column < shape.n_in; column += LANES * 4u) {
        let weights = weight4(row, column, shape.n_in);
        for (var i = 0u; i < min(4u, shape.n_in - column); i++) { sum += weights[i] * x[column + i]; }
    }
    sum = reduce_sum(sum, lane);
    if (lane == 0u) { y[shape.first_row + row] = sum; }
}
