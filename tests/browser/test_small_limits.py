"""The page's engine on a device that binds little at a time: tables are split, and the ids are the same."""

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
LESS = f"limits: {{ ...limitsOf(device.limits), maxStorageBufferBindingSize: {BINDING} }}"


@pytest.fixture(scope="module")
def site(demo_site, tmp_path_factory):
    """A site whose page understates its GPU."""
    folder = tmp_path_factory.mktemp("small") / "site"
    copytree(demo_site, folder)
    adapter = folder / "engine/gpu/adapter.js"
    text = adapter.read_text()
    assert SAID in text
    adapter.write_text(text.replace(SAID, LESS))
    return folder


@pytest.fixture(scope="module")
def in_browser(site):
    yield from in_thread(lambda: BrowserRunner(site, "f32", CHUNK, CONTEXT).__enter__())


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


def test_a_context_that_no_binding_holds_is_refused(site):
    runner = BrowserRunner(site, "f32", CHUNK, CONTEXT * 8)
    refused = in_thread(lambda: runner.__enter__())
    with pytest.raises(DeviceError, match=r"binds at most 0\.1\. Choose a context of at most"):
        next(refused)
