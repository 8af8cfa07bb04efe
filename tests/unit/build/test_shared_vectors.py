"""No shader writes a component of a vector in memory that lanes share."""

import pytest

from gemtab_build.site.kernels_file import all_kernels
from gemtab_build.site.shaders import render
from helpers.component_writes import component_writes
from helpers.every_form import every_form

OTHERS = """
struct Pair { low: vec4f, high: array<mat2x4f, 3> }
alias Four = vec4f;
struct Flags { of: array<atomic<u32>, 2>, last: u32 }
var<workgroup> tile: array<vec4f, 8>;
var<workgroup> pairs: array<array<Pair, 2>, 4>;
var<workgroup> fours: array<Four, 4 * 2>;
var<workgroup> flat: array<f32, 8>;
var<workgroup> flags: Flags;
var<storage, read_write> y: array<vec2u>;
var<storage, read> x: array<vec4f>;
fn f(i: u32) { var own = array<vec4f, 2>(); BODY }
"""
RACY = [
    "tile[i][i % 4u] = 1.0;", "tile[flags.of[0]].x += 1.0;", "y[i].y = 3u;", "y[i][1]++;",
    "pairs[i][1].low.xy = vec2f();", "pairs[i][1].high[2][0].w = 1.0;", "fours[i] [0] -= 1.0;",
    "let p = &tile[i]; (*p).x = 1.0;", "if (x[i].x > 0.0) { tile[ y[i].x ].z *= 2.0; }",
]  # fmt: skip
WHOLE = [
    "tile[i] = vec4f(x[i].x);", "own[i][1] = tile[i].x;", "flat[i] += 1.0;", "flags.last = 1u;",
    "pairs[i][1].high[2][0] = vec4f();", "if (tile[i].x == y[i].y) { return; }", "y[i] = vec2u();",
    "atomicAdd(&flags.of[0], 1u); let n = arrayLength(&y);", "own[0].x = 1.0; // tile[i].x = 1.0",
]  # fmt: skip


@pytest.mark.parametrize("body", RACY)
def test_a_write_to_a_component_is_found(body):
    assert len(component_writes(OTHERS.replace("BODY", body))) == 1


@pytest.mark.parametrize("body", WHOLE)
def test_whole_vectors_and_own_ones_may_be_written(body):
    assert component_writes(OTHERS.replace("BODY", body)) == []


def test_no_kernel_has_one():
    texts = {
        kernel.name: render(kernel)
        for config, tensors in every_form()
        for kernel in all_kernels(config, tensors).values()
    }

    assert {name: found for name, text in texts.items() if (found := component_writes(text))} == {}
