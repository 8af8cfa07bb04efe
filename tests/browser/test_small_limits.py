"""The page's engine on a device made with WebGPU's least limits and no feature, which says that it binds less yet.

So tables are split, and the ids are the same. What a kernel takes beyond those limits the browser refuses.
"""

import json
from shutil import copytree

import pytest

from browser.in_thread import in_thread
from gemtab.contracts.device_facts import DeviceFacts
from gemtab.contracts.errors import DeviceError
from gemtab.contracts.manifest import Manifest
from gemtab.contracts.names import EMBED, PLE_EMBED
from gemtab.plan.model import Model
from gemtab.plan.settings import Settings
from gemtab_build.run.browser_runner import BrowserRunner
from gemtab_build.run.runner import NativeRunner

pytestmark = [pytest.mark.browser, pytest.mark.gpu]

BINDING = 72 << 10
CONTEXT, CHUNK = 128, 16
PROMPT = [2, *range(30, 70)]
SAID = "limits: limitsOf(device.limits)"  # what the page's GPU says of itself to Python
ALL = "requestDevice({ requiredFeatures: features, requiredLimits: limitsOf(adapter.limits) })"
LEAST = "requestDevice({})"
LESS = f"limits: {{ ...limitsOf(device.limits), maxStorageBufferBindingSize: {BINDING} }}"


class Runner(BrowserRunner):
    """The page's engine, and what its device says of itself."""

    def facts(self) -> str:
        return self.page.evaluate(
            """async () => (await (await import("/engine/gpu/replay.js")).Gpu.create()).facts()"""
        )


@pytest.fixture(scope="module")
def site(demo_site, tmp_path_factory):
    """A site whose page asks its GPU for nothing, and understates what it is given."""
    folder = tmp_path_factory.mktemp("small") / "site"
    copytree(demo_site, folder)
    adapter = folder / "engine/gpu/adapter.js"
    text = adapter.read_text()
    assert SAID in text
    assert ALL in text
    adapter.write_text(text.replace(SAID, LESS).replace(ALL, LEAST))
    return folder


@pytest.fixture(scope="module")
def in_browser(site):
    yield from in_thread(lambda: Runner(site, "f32", CHUNK, CONTEXT).__enter__())


@pytest.fixture(scope="module")
def natively(site):
    yield from in_thread(lambda: NativeRunner(site, "f32", CHUNK, CONTEXT, lambda *_: None))


def test_split_tables_give_the_native_ids(site, in_browser, natively):
    manifest = Manifest.from_json((site / "model/manifest.json").read_bytes())
    facts = DeviceFacts("small", limits={"maxStorageBufferBindingSize": BINDING})
    settings = Settings.chosen(manifest.config, facts, CONTEXT, "f32", CHUNK)
    parts = Model.on(settings, dict(manifest.tensors)).parts
    assert min(len(parts[EMBED]), len(parts[PLE_EMBED])) > 1

    found = in_browser("continue_ids", PROMPT, 24)

    assert found.ids == natively("continue_ids", PROMPT, 24).ids


def test_the_device_has_no_more_than_every_device(in_browser):
    facts = json.loads(in_browser("facts"))

    assert facts["features"] == []
    assert facts["limits"] == {
        "maxStorageBufferBindingSize": BINDING,
        "maxBufferSize": 256 << 20,
        "maxComputeWorkgroupStorageSize": 16 << 10,
        "maxComputeInvocationsPerWorkgroup": 256,
        "maxComputeWorkgroupSizeX": 256,
        "maxStorageBuffersPerShaderStage": 8,
        "maxComputeWorkgroupsPerDimension": 65535,
    }


def test_a_context_that_no_binding_holds_is_refused(site):
    runner = BrowserRunner(site, "f32", CHUNK, CONTEXT * 8)
    refused = in_thread(lambda: runner.__enter__())
    with pytest.raises(DeviceError, match=r"binds at most 0\.1\. Choose a context of at most"):
        next(refused)
