// The sum of every lane's value, with one round of memory after the subgroups'. Ends on a barrier, so it can
// be called again. Each lane stores its subgroup's sum divided by the subgroup's size, which is exact: sizes
// are powers of two, and no lane need be told from the others. Then each subgroup adds up all that is stored.
var<workgroup> partial_sums: array<f32, LANES>;

fn reduce_sum(value: f32, lane: u32) -> f32 {
    let size = subgroupAdd(1u);
    partial_sums[lane] = subgroupAdd(value) / f32(size);
    workgroupBarrier();
    var own = 0.0;
    for (var i = subgroupExclusiveAdd(1u); i < LANES; i += size) { own += partial_sums[i]; }
    let sum = subgroupAdd(own);
    workgroupBarrier();
    return sum;
}
