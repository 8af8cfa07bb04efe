// matvec: y = W · x for one token.
// A workgroup makes ROWS rows, each with its own PART of the lanes, which stride over the row by fours
// and then add up. Workgroups fold over x and y: a vocabulary has more than one dimension's 65535.
//   0 x        read   [n_in]
//   1 y        write  [first_row + n_out]
//   2 state    read   (unused: keeps the slots of matvec and matmul alike)
//   3 … W      read   [n_out, n_in], encoded
//   last shape uniform
// grid: (n_out / ROWS), folded
const LANES: u32 = 64u;
const ROWS: u32 = 8u;
// The words that change from token to token: see contracts/state.py.
struct State {
    position: u32,
    tokens: u32,
    written: u32,
    seed: u32,
    top_k: u32,
    temperature: f32,
    top_p: f32,
    capacity: u32,
}
// weight4: four neighbours of a row, as codes: scales (f32) come after the sum, or from table4.
// Codes i8, four a word.
@group(0) @binding(3) var<storage, read> codes: array<u32>;
@group(0) @binding(4) var<storage, read> scales: array<f32>;

fn weight4(row: u32, column: u32, n_in: u32) -> vec4f {
    let word = bitcast<i32>(codes[(row * n_in + column) / 4u]);
    return vec4f(
        f32(extractBits(word, 0u, 8u)),
        f32(extractBits(word, 8u, 8u)),
        f32(extractBits(word, 16u, 8u)),
        f32(extractBits(word, 24u, 8u)),
    );
}
// x4: four neighbours of row `row` of x, from `column` on, zero past its end.
fn x4(row: u32, column: u32, n_in: u32) -> vec4f {
    let at = row * n_in + column;
    if (column + 4u <= n_in) { return vec4f(x[at], x[at + 1u], x[at + 2u], x[at + 3u]); }
    var four = vec4f(x[at], 0.0, 0.0, 0.0);
    if (column + 1u < n_in) { four.y = x[at + 1u]; }
    if (column + 2u < n_in) { four.z = x[at + 2u]; }
    return four;
}
// Static range quantization: codes of x on the int8 grid of a step, as floats. Ties go to even.
// WGSL lets x / grid be 2.5 ULP off: a value so near to a tie may take the neighbouring code.
fn srq_codes(x: vec4f, grid: f32) -> vec4f {
    return clamp(round(x / grid), vec4f(-128.0), vec4f(127.0));
}
// input4: what the weights are multiplied with: codes of x, or x itself where the grid is 0. Sums of
// products of codes are whole numbers, exact in f32 up to 2^24 in whatever order they are made.
fn input4(x: vec4f) -> vec4f {
    if (shape.input_grid == 0.0) { return x; }
    return srq_codes(x, shape.input_grid);
}
// output: a row's value from its sum of codes: scaled, and rounded to its own grid where that is not 0.
fn output(sum: f32, row: u32) -> f32 {
    let input_grid = select(shape.input_grid, 1.0, shape.input_grid == 0.0);
    let y = sum * (input_grid * scales[row]);
    if (shape.output_grid == 0.0) { return y; }
    return srq_codes(vec4f(y), shape.output_grid).x * shape.output_grid;
}

struct Shape {
    n_in: u32, n_out: u32, first_row: u32, stride: u32,
    input_grid: f32, output_grid: f32,  // of packed weights alone
}
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read> state: State;
@group(0) @binding(5) var<uniform> shape: Shape;

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
