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
