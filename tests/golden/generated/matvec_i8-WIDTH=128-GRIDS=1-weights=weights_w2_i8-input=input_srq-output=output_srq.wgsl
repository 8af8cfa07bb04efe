// matvec_i8: y = W · x for one token as matvec makes it, but of int8 codes: products of whole numbers, which
// the language adds up four at a time, and a scale at the end. Every input has a grid. A workgroup makes x's
// codes once; where it has rows of a gate and of what it gates, by the grid of each.
//   x          read   [n_in], or the residual stream
//   y          write  [first + n_out]
//   W          read   [w_row + rows, n_in]: codes and scales
//   branch, vectors, next, inputs: see the source and the sink
//   shape      uniform
// grid: (n_out / outputs of a workgroup), folded
const LANES: u32 = 64u;
const PART: u32 = 8u;
const WIDTH: u32 = 128u;
const GRIDS: u32 = 1u;
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
// Sixteen of a row of W, or a block, as int8 codes: scales (f32) come after the sum. Codes u2 offset by 2, sixteen a
// word; in the first bits of a byte, the first of them turned, they are 64 times what they stand for.
// A block: 32 neighbours of a row as eight vectors, small enough to stay in registers.
const BLOCK: u32 = 32u;
alias Block = array<vec4f, 8>;

fn dot_block(a: Block, b: Block) -> f32 {
    return dot(a[0], b[0]) + dot(a[1], b[1]) + dot(a[2], b[2]) + dot(a[3], b[3])
        + dot(a[4], b[4]) + dot(a[5], b[5]) + dot(a[6], b[6]) + dot(a[7], b[7]);
}
// Int8 codes, sixteen in four words in an order that each form of the weights has for itself; a block has 32.
struct Codes { a: vec4u, b: vec4u }

fn pack(x: vec4f) -> u32 { return pack4xI8(vec4i(x)); }

fn pack_block(x: Block) -> Codes {
    return Codes(pack_sixteen(mat4x4f(x[0], x[1], x[2], x[3])), pack_sixteen(mat4x4f(x[4], x[5], x[6], x[7])));
}

fn dot_codes(w: Codes, x: Codes) -> i32 {
    return dot4I8Packed(w.a.x, x.a.x) + dot4I8Packed(w.a.y, x.a.y)
        + dot4I8Packed(w.a.z, x.a.z) + dot4I8Packed(w.a.w, x.a.w)
        + dot4I8Packed(w.b.x, x.b.x) + dot4I8Packed(w.b.y, x.b.y)
        + dot4I8Packed(w.b.z, x.b.z) + dot4I8Packed(w.b.w, x.b.w);
}
@group(0) @binding(2) var<storage, read> codes: array<vec2u>;
@group(0) @binding(3) var<storage, read> scales: array<f32>;
const SHIFT: u32 = 6u;  // by which the codes are too large

fn signed(word: vec4u) -> vec4u { return (word & vec4u(0xc0c0c0c0u)) ^ vec4u(0x80808080u); }

// Each byte's first column, second, third, fourth.
fn sixteen_codes(word: u32) -> vec4u { return signed(vec4u(word) << vec4u(6u, 4u, 2u, 0u)); }

fn weight_sixteen(row: u32, sixteen: u32, n_in: u32) -> vec4u {
    return sixteen_codes(codes[row * (n_in / BLOCK) + sixteen / 2u][sixteen % 2u]);
}

fn weight_codes(row: u32, block: u32, n_in: u32) -> Codes {
    let c = codes[row * (n_in / BLOCK) + block];
    return Codes(sixteen_codes(c.x), sixteen_codes(c.y));
}

fn pack_sixteen(x: mat4x4f) -> vec4u {
    let of_bytes = transpose(x);
    return vec4u(pack(of_bytes[0]), pack(of_bytes[1]), pack(of_bytes[2]), pack(of_bytes[3]));
}
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
