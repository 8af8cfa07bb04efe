enable f16;
enable subgroups;
// attend: one query head against the keys it may see, softmax, and the values' weighted sum.
// Keys come LANES at a time: a lane scores one key, then all lanes share the scores and each adds up
// its own groups of four value columns. A running maximum keeps exp in range. The scale is 1.
//   0 q        read   [tokens, heads, HEAD_DIM]
//   1 k        read   [ring, kv_heads, ROW_WORDS]
//   2 v        read   [ring, kv_heads, ROW_WORDS]
//   3 y        write  [tokens, heads, HEAD_DIM]
//   4 state    read
//   5 shape    uniform
// grid: (heads, tokens)
const LANES: u32 = 64u;
const HEAD_DIM: u32 = 64u;
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
// The sum of every lane's value, the same in all lanes, with one round of memory after the subgroups'.
// Each lane stores its subgroup's sum; one lane a subgroup is not known portably, so all are added
// and divided by the subgroup's size, which is exact: sizes are powers of two.
var<workgroup> partial_sums: array<f32, LANES>;

fn reduce_sum(value: f32, lane: u32) -> f32 {
    let size = subgroupAdd(1.0);
    partial_sums[lane] = subgroupAdd(value) / size;
    workgroupBarrier();
    for (var half = LANES / 2u; half > 0u; half >>= 1u) {
        if (lane < half) { partial_sums[lane] += partial_sums[lane + half]; }
        workgroupBarrier();
    }
    let sum = partial_sums[0];
    workgroupBarrier();
    return sum;
}

struct Shape { heads: u32, kv_heads: u32, window: u32, ring: u32 }
@group(0) @binding(0) var<storage, read> q: array<f32>;
@group(0) @binding(1) var<storage, read> k: array<Word>;
@group(0) @binding(2) var<storage, read> v: array<Word>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read> state: State;
@group(0) @binding(5) var<uniform> shape: Shape;
// A head's K and V rows in the cache as f16, two values a word.
// Two f16 in a word, bound as the device's own f16 type. (naga's bitcast from u32 is wrong: do not.)
alias Half2 = vec2<f16>;
fn unpack_half(word: Half2) -> vec2f { return vec2f(word); }
alias Word = Half2;
const ROW_WORDS: u32 = HEAD_DIM / 2u;

fn k4(base: u32, group: u32) -> vec4f {
    let at = base + group * 2u;
    return vec4f(unpack_half(k[at]), unpack_half(k[at + 1u]));
}

fn v4(base: u32, group: u32) -> vec4f {
    let at = base + group * 2u;
    return vec4f(unpack_half(v[at]), unpack_half(v[at + 1u]));
}

const GROUPS: u32 = HEAD_DIM / 4u;
const OWN: u32 = (GROUPS + LANES - 1u) / LANES;  // value groups a lane may own
var<workgroup> query: array<vec4f, GROUPS>;
var<workgroup> scores: array<f32, LANES>;
var<workgroup> maxima: array<f32, LANES>;

fn reduce_max(value: f32, lane: u32) -> f32 {
    maxima[lane] = value;
    workgroupBarrier();
    for (var half = LANES / 2u; half > 0u; half >>= 1u) {
        if (lane < half) { maxima[lane] = max(maxima[lane], maxima[lane + half]); }
        workgroupBarrier();
    }
    let largest = maxima[0];
    workgroupBarrier();
    return largest;
}

@compute @workgroup_size(LANES)
fn attend(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let token = group.y;
    if (token >= state.tokens) { return; }
    let base = (token * shape.heads + group.x) * HEAD_DIM;
    for (var i = lane; i < GROUPS; i += LANES) {
        let at = base + i * 4u;
        query[i] = vec4f(q[at], q[at + 1u], q[at + 2u], q[at + 3u]);
    }
    workgroupBarrier();

    let kv_head = group.x / (shape.heads / shape.kv_heads);
    let end = state.position + token + 1u;  // the first key that this query may not see
    let start = end - min(end, shape.window);
    var largest = -3.0e38;
    var total = 0.0;
    var sums = array<vec4f, OWN>();
    for (var first = start; first < end; first += LANES) {
        let key = first + lane;
        var score = -3.0e38;
        if (key < end) {
            let row = (key % shape.ring * shape.kv_heads + kv_head) * ROW_WORDS;
            score = 0.0;
            for (var i = 0u; i < GROUPS; i++) { score += dot(query[i], k4(row, i)); }
        }
        let above = max(largest, reduce_max(score, lane));
        let shrink = exp(largest - above);
        let weight = select(0.0, exp(score - above), key < end);
        largest = above;
        scores[lane] = weight;
        total = total * shrink + reduce_sum(weight, lane);  // its barriers also publish the scores
        for (var own = 0u; own < OWN; own++) {
            let column = own * LANES + lane;
            if (column >= GROUPS) { break; }
            var sum = sums[own] * shrink;
            for (var j = 0u; j < min(LANES, end - first); j++) {
                let row = ((first + j) % shape.ring * shape.kv_heads + kv_head) * ROW_WORDS;
                sum += scores[j] * v4(row, column);
            }
            sums[own] = sum;
        }
        workgroupBarrier();
    }
    for (var own = 0u; own < OWN; own++) {
        let column = own * LANES + lane;
        if (column >= GROUPS) { break; }
        let four = sums[own] / total;
        for (var i = 0u; i < 4u; i++) { y[base + column * 4u + i] = four[i]; }
    }
}
