// reduce_best: the id of the largest value over all lanes, the lowest id in a tie. Its value is left in
// best_values[0]; the caller's next barrier frees it.
const NONE: f32 = -3.4e38;
var<workgroup> best_values: array<f32, LANES>;
var<workgroup> best_ids: array<u32, LANES>;

fn reduce_best(value: f32, id: u32, lane: u32) -> u32 {
    best_values[lane] = value;
    best_ids[lane] = id;
    workgroupBarrier();
    for (var half = LANES / 2u; half > 0u; half >>= 1u) {
        if (lane < half) {
            let other = best_values[lane + half];
            let other_id = best_ids[lane + half];
            if (other > best_values[lane]
                || (other == best_values[lane] && other_id < best_ids[lane])) {
                best_values[lane] = other;
                best_ids[lane] = other_id;
            }
        }
        workgroupBarrier();
    }
    return best_ids[0];
}
