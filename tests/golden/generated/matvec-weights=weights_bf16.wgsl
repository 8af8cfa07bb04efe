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
// A block of W: values as bf16, two a word.
// A block: 32 neighbours of a row as eight vectors, small enough to stay in registers.
const BLOCK: u32 = 32u;
alias Block = array<vec4f, 8>;

fn dot_block(a: Block, b: Block) -> f32 {
    return dot(a[0], b[0]) + dot(a[1], b[1]) + dot(a[2], b[2]) + dot(a[3], b[3])
        + dot(a[4], b[4]) + dot(a[5], b[5]) + dot(a[6], b[6]) + dot(a[7], b[7]);
}
// Two bf16 in a word: the upper halves of two f32.
fn unpack_bf16(word: u32) -> vec2f { return vec2f(bitcast<f32>(word << 16u), bitcast<f32>(word & 0xffff0000u)); }
@group(0) @binding(2) var<storage, read> values: array<u32>;

fn four_bf16(at: u32) -> vec4f { return vec4f(unpack_bf16(values[at]), unpack_bf16(values[at + 1u])); }

fn weight_block(row: u32, block: u32, n_in: u32) -> Block {
    let at = (row * n_in + block * BLOCK) / 2u;
    return Block(four_bf16(at), four_bf16(at + 2u), four_bf16(at + 4u), four_bf16(at + 6u),
                 four_bf16(at + 8u), four_bf16(at + 10u), four_bf16(at + 12u), four_bf16(at + 14u));
}

fn weight_four(row: u32, four: u32, n_in: u32) -> vec4f { return four_bf16((row * n_in) / 2u + four * 2u); }

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
// What a row's weights are multiplied with: x as it is.
fn input_grid(row: u32) -> f32 { return 0.0; }
fn input_four(x: vec4f, _grid: f32) -> vec4f { return x; }
fn input_block(x: Block, _grid: f32) -> Block { return x; }
// output: a row's value from its sum of products: the sum.
fn output(sum: f32, _row: u32) -> f32 { return sum; }
// What becomes of a matvec's sums: a value of y each.
fn outputs() -> u32 { return 4u; }  // of a quad's rows
fn row_of(quad: u32) -> u32 { return quad * 4u; }
fn finish(i: u32, row: u32) -> f32 { return output(sum_of(i), row); }

@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> shape: Shape;

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
