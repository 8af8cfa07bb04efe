// matfew: y = x · Wᵀ for a few tokens, weights read and decoded once for up to eight of them.
// As in matvec a workgroup has LANES / PART quads of rows, PART lanes share a quad, and their sums are added
// up at the end; but a lane goes through its blocks four columns at a time, for every token, and decodes no more
// than those: whole blocks of four rows take more registers than many GPUs have.
//   x          read   [tokens, n_in]
//   y          write  [tokens, stride], columns first … first + n_out
//   W          read   [w_row + n_out, n_in], encoded: codes and scales, or values
//   state      read
//   shape      uniform
// grid: (tokens / COLUMNS, n_out / rows of a workgroup), the latter folded over y and z: workgroups that have
// the same weights come one after the other
//! param
const LANES: u32 = 64u;
const PART: u32 = 8u;
//! end
//! include state
//! include matrix_shape
//! include weights
//! include x
//! include input
//! include output
//! include columns

@group(0) @binding(Y_SLOT) var<storage, read_write> y: array<f32>;
@group(0) @binding(STATE_SLOT) var<storage, read> state: State;
@group(0) @binding(SHAPE_SLOT) var<uniform> shape: Shape;

const ROWS: u32 = LANES / PART * 4u;  // of a workgroup; a quad's are of one matrix
var<workgroup> partial: array<vec4f, LANES * COLUMNS>;

// Four values of a token as the weights are multiplied with them; tokens past the last are made, not written.
fn x_part(token: u32, four: u32, grid: f32) -> vec4f {
    return input_four(x_four(token, four, shape.n_in), grid);
}

@compute @workgroup_size(LANES)
fn matfew(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
          @builtin(local_invocation_index) lane: u32) {
    let first = (group.y + group.z * groups.y) * ROWS;
    let first_token = group.x * COLUMNS;
    if (first >= shape.n_out || first_token >= state.tokens) { return; }  // all lanes leave together
    let row = first + lane / PART * 4u;
    let at = shape.w_row + row;
    let n_in = shape.n_in;
    let grid = input_grid(row);
    var sums = Sums();
    for (var block = lane % PART; block * BLOCK < n_in; block += PART) {
        let scale = vec4f(weight_scale(at, block, n_in), weight_scale(at + 1u, block, n_in),
                          weight_scale(at + 2u, block, n_in), weight_scale(at + 3u, block, n_in));
        for (var i = 0u; i < BLOCK / 4u; i++) {
            let four = block * (BLOCK / 4u) + i;
            let w = mat4x4f(weight_four(at, four, n_in) * scale.x, weight_four(at + 1u, four, n_in) * scale.y,
                            weight_four(at + 2u, four, n_in) * scale.z, weight_four(at + 3u, four, n_in) * scale.w);
            sums = plus(sums, products(w, first_token, four, grid));
        }
    }
    keep(lane, sums);
    workgroupBarrier();
    for (var i = lane; i < ROWS * COLUMNS; i += LANES) {
        let column = i / ROWS;
        let own_row = i % ROWS;
        var sum = 0.0;
        for (var part = 0u; part < PART; part++) {
            sum += partial[column * LANES + own_row / 4u * PART + part][own_row % 4u];
        }
        let token = first_token + column;
        if (token < state.tokens && first + own_row < shape.n_out) {
            y[token * shape.stride + shape.first + first + own_row] = output(sum, first + own_row);
        }
    }
}
