"""web/engine/gpu/names.js: GPUs are told apart where WebGPU does not name them."""

import json

import pytest
from playwright.sync_api import Page

pytestmark = pytest.mark.browser

# Adapters of this info, features and limits, in a browser whose WebGL calls the GPU so
NAMES = """async ({ adapters, renderer }) => {
  const { namesOf, distinctNamesOf } = await import("/engine/gpu/names.js");
  const { OffscreenCanvas: usual } = globalThis;
  const gl = { RENDERER: 1, getParameter: () => renderer, getExtension: () => null };
  globalThis.OffscreenCanvas = class { getContext() { return renderer && gl; } };
  const made = adapters.map(([description, features, limits]) => (
    { info: { vendor: "", architecture: "", description }, features: new Set(features), limits: Object.create(limits) }));
  const found = made.map((adapter) => [namesOf(adapter).description, distinctNamesOf(adapter).description]);
  globalThis.OffscreenCanvas = usual;
  return found; }"""
SMALL, LARGE = {"maxBufferSize": 1 << 28}, {"maxBufferSize": 1 << 30}


def names(blank: Page, *adapters: tuple, renderer: str | None = None) -> list[list[str]]:
    """For people, and for notes."""
    return blank.evaluate(NAMES, {"adapters": adapters, "renderer": renderer})


def test_a_name_stays_as_it_is(blank: Page):
    assert names(blank, ("Acme 9000", [], SMALL), renderer="Other") == [["Acme 9000"] * 2]


def test_webgl_names_what_webgpu_does_not(blank: Page):
    ((shown, noted),) = names(blank, ("", [], SMALL), renderer="Acme 9000, or similar")

    assert shown == "Acme 9000, or similar"
    assert noted.startswith(shown)


def test_gpus_without_a_name_differ_by_features_and_limits(blank: Page):
    one = ("", ["shader-f16", "subgroups"], SMALL)
    same = ("", ["subgroups", "shader-f16"], SMALL)
    others = ("", ["shader-f16"], SMALL), ("", ["shader-f16", "subgroups"], LARGE)

    found = names(blank, one, same, *others)

    assert [shown for shown, _ in found] == [""] * 4
    noted = [note for _, note in found]
    assert noted[0] == noted[1]
    assert len({*noted}) == 3


def test_each_browser_has_a_name_for_its_gpu(blank: Page):
    facts = """async () => (await (await import("/engine/gpu/replay.js")).Gpu.create()).facts()"""

    one, other = (json.loads(blank.evaluate(facts))["adapter"] for _ in range(2))

    assert any(one.values())
    assert one == other
