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
const LANES: u32 = 64u;
const PART: u32 = 8u;
// The words of a step that multiplies with a matrix. Rows of W begin at w_row of what is bound; offsets
// into `vectors` count vectors of four, or are NO_VECTOR. Packed weights may be of several matrices, one after
// the other, each with grids of its own: the second begins at second_row, the third at third_row.
const NO_VECTOR: u32 = 0xffffffffu;
struct Shape {
    n_in: u32, n_out: u32, w_row: u32,
    first: u32, stride: u32,  // y's column for row 0, and y's columns in all
    eps: f32, norm: u32, post_norm: u32, scalar: u32,  // of what comes before the matrix: see the source
    first_input: u32, cap: f32,  // of what comes after it
    second_row: u32, input_grids: vec3f, third_row: u32, output_grids: vec3f,  // of packed weights alone
    sink: u32,  // what comes after the matrix
}
// A block of W as codes: scales (f32) come after the sum, or from the table's. Codes u4 offset by 8,
// eight a word, low nibble first.
// A block: 32 neighbours of a row as eight vectors, small enough to stay in registers.
const BLOCK: u32 = 32u;
alias Block = array<vec4f, 8>;

fn dot_block(a: Block, b: Block) -> f32 {
    return dot(a[0], b[0]) + dot(a[1], b[1]) + dot(a[2], b[2]) + dot(a[3], b[3])
        + dot(a[4], b[4]) + dot(a[5], b[5]) + dot(a[6], b[6]) + dot(a[7], b[7]);
}
// Half a word as four u4 codes offset by 8, low nibble first.
fn nibbles(word: u32) -> vec4f {
    return vec4f((vec4u(word) >> vec4u(0u, 4u, 8u, 12u)) & vec4u(15u)) - 8.0;
}
@group(0) @binding(2) var<storage, read> codes: array<vec4u>;
@group(0) @binding(3) var<storage, read> scales: array<f32>;

fn weight_block(row: u32, block: u32, n_in: u32) -> Block {
    let c = codes[row * (n_in / BLOCK) + block];
    return Block(nibbles(c.x), nibbles(c.x >> 16u), nibbles(c.y), nibbles(c.y >> 16u),
                 nibbles(c.z), nibbles(c.z >> 16u), nibbles(c.w), nibbles(c.w >> 16u));
}

fn weight_four(row: u32, four: u32, n_in: u32) -> vec4f {
    return nibbles(codes[row * (n_in / BLOCK) + four / 8u][four / 2u % 4u] >> (16u * (four % 2u)));
}

fn weight_scale(row: u32, block: u32, n_in: u32) -> f32 { return 1.0; }
// The input of a matvec as it lies in memory.
// A token's row of x: four neighbours, and a block.
@group(0) @binding(0) var<storage, read> x: array<vec4f>;

fn x_four(token: u32, four: u32, n_in: u32) -> vec4f { return x[token * (n_in / 4u) + four]; }

fn x_block(token: u32, block: u32, n_in: u32) -> Block {
    let at = (token * n_in + block * BLOCK) / 4u;
    return Block(x[at], x[at + 1u], x[at + 2u], x[at + 3u], x[at + 4u], x[at + 5u], x[at + 6u], x[at + 7u]);
}
fn prepare(lane: u32, first_group: bool) {}
fn source_block(block: u32) -> Block { return x_block(0u, block, shape.n_in); }
// Static range quantization: codes of x on the int8 grid of a step, as floats. Ties go to even.
// WGSL lets x / grid be 2.5 ULP off: a value so near to a tie may take the neighbouring code.
fn srq_codes(x: vec4f, grid: f32) -> vec4f {
    return clamp(round(x / grid), vec4f(-128.0), vec4f(127.0));
}

// Which of the matrices a row belongs to, and so which grids.
fn matrix_of(row: u32) -> u32 { return u32(row >= shape.second_row) + u32(row >= shape.third_row); }
// What a row's weights are multiplied with: codes of x, or x itself where the grid is 0. Sums of products
// of codes are whole numbers, exact in f32 up to 2^24 in whatever order they are made.
fn input_grid(row: u32) -> f32 { return shape.input_grids[matrix_of(row)]; }

// Both are made and one is taken: a branch for each would cost more than the rounding.
fn input_four(x: vec4f, grid: f32) -> vec4f {
    return select(srq_codes(x, select(grid, 1.0, grid == 0.0)), x, grid == 0.0);
}

fn input_block(x: Block, grid: f32) -> Block {
    return Block(
        input_four(x[0], grid), input_four(x[1], grid), input_four(x[2], grid), input_four(x[3], grid),
        input_four(x[4], grid), input_four(x[5], grid), input_four(x[6], grid), input_four(x[7], grid));
}
// output: a row's value from its sum of codes: scaled, and rounded to its own grid where that is not 0.
fn output(sum: f32, row: u32) -> f32 {
    let input = shape.input_grids[matrix_of(row)];
    let grid = shape.output_grids[matrix_of(row)];
    let y = sum * (select(input, 1.0, input == 0.0) * scales[shape.w_row + row]);
    if (grid == 0.0) { return y; }
    return srq_codes(vec4f(y), grid).x * grid;
}
// What becomes of a matvec's sums: a value of y each.
fn outputs() -> u32 { return 4u; }  // of a quad's rows
fn row_of(quad: u32) -> u32 { return quad * 4u; }
fn finish(i: u32, row: u32) -> f32 { return output(sum_of(i), row); }

@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> shape: Shape;

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
