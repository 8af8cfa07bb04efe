// attend_chunk: the queries of a chunk against the keys they may see: softmax with a running maximum, and
// the values' weighted sum. The scale is 1.
// A row is a token's head; those that share a key head stand together, token by token. A workgroup takes
// ROWS of them, and goes KEYS at a time over the keys that any of them may see. Scores are a matrix product
// of 4 rows by 4 keys a lane, over blocks of COLUMNS fours that are staged; where lanes are left over,
// SPLITS of them share the fours of a block. Weights are made of the scores in registers. The sums are
// another product, of 8 rows by two fours of a row of values a lane.
//   qkv        read   [tokens, stride / 4]: queries as `heads` left them
//   k, v       read   [ring, kv_heads, ROW]
//   y          both   [tokens, heads, FOURS]; sums, where the keys of a part are not the last
//   carried    both   [tokens, heads] (largest, total), from part to part of the keys
//   state      read
//   shape      uniform
// grid: (tokens · heads / kv_heads / ROWS, kv_heads)
const LANES: u32 = 128u;  // a multiple of BLOCKS, and at least ROWS / 8 · OWN
const HEAD_DIM: u32 = 64u;
const ROWS: u32 = 32u;
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
// The words of a step that deals with heads. qkv has `stride` columns: the queries' heads, then, where
// the layer owns them, those of K and of V. Offsets into `vectors` count fours.
struct Shape {
    heads: u32, kv_heads: u32, stride: u32,
    q_norm: u32, k_norm: u32, v_norm: u32,  // v_norm: whether v is normed, without a weight
    pairs: u32, eps: f32,
    window: u32, ring: u32, splits: u32,
    first_head: u32,  // where only K and V are wanted, the queries' heads are skipped
    owner: u32,  // whether the layer has K and V of its own
    first_group: u32, first_split: u32, first_key: u32, end_key: u32,  // of attention in parts: see kernels/parts.py
    parted: u32,  // whether attention leaves parts of each split, to be merged
}
@group(0) @binding(0) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(1) var<storage, read> k: array<Four>;
@group(0) @binding(2) var<storage, read> v: array<Four>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> carried: array<vec2f>;
@group(0) @binding(5) var<storage, read> state: State;
@group(0) @binding(6) var<uniform> shape: Shape;
// A head's row of K or V in the cache as f16, four values an element.
// Four f16 in two words, without the shader-f16 feature.
alias Half4 = vec2u;
fn unpack_half4(four: Half4) -> vec4f { return vec4f(unpack2x16float(four.x), unpack2x16float(four.y)); }
fn pack_half4(four: vec4f) -> Half4 { return vec2u(pack2x16float(four.xy), pack2x16float(four.zw)); }
alias Four = Half4;
const ROW: u32 = HEAD_DIM / 4u;

fn codes_of(four: Four) -> vec4f { return unpack_half4(four); }
fn k_scale(base: u32) -> f32 { return 1.0; }
fn v_scale(base: u32) -> f32 { return 1.0; }
fn k4(base: u32, i: u32) -> vec4f { return codes_of(k[base + i]); }
fn v4(base: u32, i: u32) -> vec4f { return codes_of(v[base + i]); }
// A head on its way to the cache, in the registers of a team of lanes.
const TEAM: u32 = HEAD_DIM / 8u;
const TEAMS: u32 = LANES / TEAM;  // lanes past the last team only wait

struct Pairs { low: vec4f, high: vec4f }  // four neighbours of a head, and their partners half a head on
struct Row { low: Four, high: Four, scale: Four }  // the same as the cache holds them, and what follows the last
fn encoded(x: Pairs, lane: u32) -> Row { return Row(pack_half4(x.low), pack_half4(x.high), Four()); }
// Some compilers take what goes to f16 and back for what it was: to quantize it once more changes nothing else.
fn decoded(four: Four, scale: Four) -> vec4f { return quantizeToF16(unpack_half4(four)); }
// Four of a row by four weights, and such sums made smaller: a column a weight.
fn outer(v: vec4f, by: vec4f) -> mat4x4f {
    return mat4x4f(v * by.x, v * by.y, v * by.z, v * by.w);
}

fn scaled(sums: mat4x4f, by: vec4f) -> mat4x4f {
    return mat4x4f(sums[0] * by.x, sums[1] * by.y, sums[2] * by.z, sums[3] * by.w);
}

const FOURS: u32 = HEAD_DIM / 4u;
const OWN: u32 = FOURS / 2u;  // lanes that hold a row of sums: two fours each, OWN apart
const KEYS: u32 = 64u;
const COLUMNS: u32 = 8u;
const STEP: u32 = COLUMNS + 1u;  // odd, so that the rows that lanes read together lie in different banks
const ROW_SETS: u32 = ROWS / 4u;  // a set of four rows stands ROW_SETS apart
const KEY_SETS: u32 = KEYS / 4u;
const BLOCKS: u32 = ROW_SETS * KEY_SETS;  // of scores, 4 by 4
const SPLITS: u32 = LANES / BLOCKS;
const PEAKS: u32 = KEYS * ROW_SETS;  // where in `tile` the largest scores of each block lie
const TOTALS: u32 = PEAKS + BLOCKS;  // and the sums of its weights
const LOWEST: vec4f = vec4f(-1.0e38);
const UNSEEN: vec4f = vec4f(-2.0e38);  // a score so far below LOWEST that its weight is 0 beside any other
const QUARTERS: vec4u = vec4u(0u, 1u, 2u, 3u);
// [row][four] and [key][four]; once the scores are made, weights [key][row set], then [key set][row set] twice
var<workgroup> tile: array<vec4f, max(STEP * (ROWS + KEYS), TOTALS + BLOCKS)>;
var<workgroup> of_rows: array<vec4f, ROW_SETS>;
var<workgroup> row_at: array<u32, ROWS>;  // where a row's fours begin in qkv
var<workgroup> key_at: array<u32, KEYS>;  // where a key's row begins in k and v

// Which of y's heads a row is.
fn head_of(row: u32, kv_head: u32) -> u32 {
    let share = shape.heads / shape.kv_heads;
    return row / share * shape.heads + kv_head * share + row % share;
}

@compute @workgroup_size(LANES)
fn attend_chunk(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let share = shape.heads / shape.kv_heads;
    let kv_head = group.y;
    let first_row = (group.x + shape.first_group) * ROWS;
    let rows = min(ROWS, max(first_row, state.tokens * share) - first_row);
    if (rows == 0u) { return; }  // the same for the whole workgroup
    let first_position = state.position + first_row / share;
    let start = first_position + 1u - min(first_position + 1u, shape.window);
    let seen = state.position + (first_row + rows - 1u) / share + 1u;
    let begin = max(start, shape.first_key);  // a part of the keys goes on where the one before it ended
    let end = min(seen, shape.end_key);
    if (begin >= seen) { return; }
    for (var i = lane; i < ROWS; i += LANES) {
        let row = first_row + min(i, rows - 1u);  // what is past the end is made of the last, and not written
        row_at[i] = row / share * (shape.stride / 4u) + (kv_head * share + row % share) * FOURS;
    }

    let split = lane / BLOCKS;  // which fours of a block are the lane's; those past the last are idle
    let row_set = lane % ROW_SETS;
    let key_set = lane / ROW_SETS % KEY_SETS;
    let newest = vec4u(state.position) + (vec4u(first_row + row_set) + ROW_SETS * QUARTERS) / share;
    let oldest = newest + 1u - min(newest + 1u, vec4u(shape.window));
    var largest = LOWEST;  // of the set's rows
    var total = vec4f();

    let own = lane % OWN;
    let own_sets = lane / OWN * 2u;
    var sums_00 = mat4x4f();  // four own of the rows of set own_sets, a column a row
    var sums_01 = mat4x4f();  // of the next set
    var sums_10 = mat4x4f();  // four own + OWN
    var sums_11 = mat4x4f();

    if (begin > start) {
        for (var i = 0u; i < 4u; i++) {
            let found = carried[head_of(first_row + min(row_set + i * ROW_SETS, rows - 1u), kv_head)];
            largest[i] = found.x;
            total[i] = found.y;
        }
        var sums = array<mat4x4f, 4>();
        for (var i = 0u; i < 16u; i++) {
            let row = own_sets + i / 4u % 2u + i % 4u * ROW_SETS;
            if (own_sets < ROW_SETS && row < rows) {
                sums[i / 4u][i % 4u] = y[head_of(first_row + row, kv_head) * FOURS + own + i / 8u * OWN];
            }
        }
        sums_00 = sums[0];
        sums_01 = sums[1];
        sums_10 = sums[2];
        sums_11 = sums[3];
    }
    for (var first = begin; first < end; first += KEYS) {
        for (var i = lane; i < KEYS; i += LANES) {
            let key = min(first + i, end - 1u);  // what is past the end is read as the last, and weighs nothing
            key_at[i] = (key % shape.ring * shape.kv_heads + kv_head) * ROW;
        }
        workgroupBarrier();
        var scores = mat4x4f();  // a column a key
        for (var column = 0u; column < FOURS; column += COLUMNS) {
            for (var i = lane; i < ROWS * COLUMNS; i += LANES) {
                let four = column + i % COLUMNS;
                var values = vec4f();
                if (FOURS % COLUMNS == 0u || four < FOURS) { values = qkv[row_at[i / COLUMNS] + four]; }
                tile[i / COLUMNS * STEP + i % COLUMNS] = values;
            }
            for (var i = lane; i < KEYS * COLUMNS; i += LANES) {
                let four = column + i % COLUMNS;
                var values = vec4f();
                if (FOURS % COLUMNS == 0u || four < FOURS) { values = k4(key_at[i / COLUMNS], four); }
                tile[(ROWS + i / COLUMNS) * STEP + i % COLUMNS] = values;
            }
            workgroupBarrier();
            for (var turn = 0u; turn < COLUMNS / SPLITS; turn++) {
                let i = turn * SPLITS + split;
                let row = row_set * STEP + i;
                let key = (ROWS + key_set) * STEP + i;
                let queries = mat4x4f(tile[row], tile[row + ROW_SETS * STEP],
                                      tile[row + 2u * ROW_SETS * STEP], tile[row + 3u * ROW_SETS * STEP]);
                let keys = mat4x4f(tile[key], tile[key + KEY_SETS * STEP],
                                   tile[key + 2u * KEY_SETS * STEP], tile[key + 3u * KEY_SETS * STEP]);
                scores += transpose(queries) * keys;
            }
            workgroupBarrier();
        }
        let block = lane % BLOCKS;
        for (var other = 1u; other < SPLITS; other++) {
            if (split == other) {
                tile[block] = scores[0];
                tile[block + BLOCKS] = scores[1];
                tile[block + 2u * BLOCKS] = scores[2];
                tile[block + 3u * BLOCKS] = scores[3];
            }
            workgroupBarrier();
            if (split == 0u) {
                scores += mat4x4f(tile[block], tile[block + BLOCKS],
                                  tile[block + 2u * BLOCKS], tile[block + 3u * BLOCKS]);
            }
            workgroupBarrier();
        }
        var peak = UNSEEN;
        for (var i = 0u; i < 4u; i++) {
            let key = vec4u(first + key_set + i * KEY_SETS);
            let seen = select(UNSEEN, scores[0], (key >= oldest) & (key <= newest));
            peak = max(peak, seen);
            scores = mat4x4f(scores[1], scores[2], scores[3], seen);
        }
        if (split == 0u) { tile[PEAKS + block] = peak; }
        workgroupBarrier();
        var above = largest;
        for (var i = row_set; i < BLOCKS; i += ROW_SETS) { above = max(above, tile[PEAKS + i]); }
        let shrink = exp(largest - above);
        largest = above;
        if (split == 0u) {
            var sum = vec4f();
            for (var i = 0u; i < 4u; i++) {
                let weights = exp(scores[0] - above);
                tile[block + i * BLOCKS] = weights;
                sum += weights;
                scores = mat4x4f(scores[1], scores[2], scores[3], weights);
            }
            tile[TOTALS + block] = sum;
            if (key_set == 0u) { of_rows[row_set] = shrink; }
        }
        workgroupBarrier();
        if (lane < ROW_SETS) {
            total *= shrink;
            for (var i = lane; i < BLOCKS; i += ROW_SETS) { total += tile[TOTALS + i]; }
        }
        if (own_sets < ROW_SETS) {
            sums_00 = scaled(sums_00, of_rows[own_sets]);
            sums_01 = scaled(sums_01, of_rows[own_sets + 1u]);
            sums_10 = scaled(sums_10, of_rows[own_sets]);
            sums_11 = scaled(sums_11, of_rows[own_sets + 1u]);
            for (var i = 0u; i < min(KEYS, end - first); i++) {
                let weights_0 = tile[i * ROW_SETS + own_sets];
                let weights_1 = tile[i * ROW_SETS + own_sets + 1u];
                let values_0 = v4(key_at[i], own);
                sums_00 += outer(values_0, weights_0);
                sums_01 += outer(values_0, weights_1);
                let values_1 = v4(key_at[i], own + OWN);
                sums_10 += outer(values_1, weights_0);
                sums_11 += outer(values_1, weights_1);
            }
        }
        workgroupBarrier();
    }
    if (end < seen && lane < ROW_SETS) {
        for (var i = 0u; i < 4u; i++) {
            let row = lane + i * ROW_SETS;
            if (row < rows) { carried[head_of(first_row + row, kv_head)] = vec2f(largest[i], total[i]); }
        }
        total = vec4f(1.0);  // sums stay what they are
    }
    if (lane < ROW_SETS) { of_rows[lane] = total; }
    workgroupBarrier();
    var sums = array<mat4x4f, 4>(sums_00, sums_01, sums_10, sums_11);
    for (var i = 0u; i < 16u; i++) {
        let own_set = own_sets + i / 4u % 2u;
        let row = own_set + i % 4u * ROW_SETS;
        if (own_set >= ROW_SETS || row >= rows) { continue; }
        y[head_of(first_row + row, kv_head) * FOURS + own + i / 8u * OWN] = sums[i / 4u][i % 4u] / of_rows[own_set][i % 4u];
    }
}
