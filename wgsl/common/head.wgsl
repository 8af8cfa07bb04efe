// Heads in workgroup memory on their way to the cache, each made by a team of lanes.
const HALF: u32 = HEAD_DIM / 2u;
const TEAM: u32 = (HALF + 7u) / 8u;
const TEAMS: u32 = LANES / TEAM;  // lanes past the last team only wait
var<workgroup> held: array<f32, TEAMS * HEAD_DIM>;

fn held4(team: u32, i: u32) -> vec4f {
    let at = team * HEAD_DIM + 4u * i;
    return vec4f(held[at], held[at + 1u], held[at + 2u], held[at + 3u]);
}
