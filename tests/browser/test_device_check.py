"""Whether this device can run a model, told before any of its weights are fetched."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import asdict

import pytest
from playwright.sync_api import Page, expect

from browser.conftest import SCRIPTED_WORKER
from browser.site_server import WEB, serve
from gemtab.contracts.manifest import Tensor
from gemtab.contracts.names import tensor_shapes
from gemtab.plan.needs import needs
from gemtab_build.site.kernels_file import kernels_json
from helpers.tiny_model import tiny_config

pytestmark = pytest.mark.browser

CONFIG = tiny_config()
TENSORS = {
    name: Tensor(shape, "q4" if len(shape) == 2 else "f32", ())
    for name, shape in tensor_shapes(CONFIG).items()
}
NEEDS = needs(CONFIG, TENSORS)
KERNELS = kernels_json(CONFIG, TENSORS)
LARGE = 1_900_000_000
PAGE = """<!doctype html><title>Chat</title><link rel="icon" href="data:,">
<script type="module" src="chat/define.js"></script><gemtab-chat {}></gemtab-chat>"""
NARROW = """(limits) => {
  const { get } = Object.getOwnPropertyDescriptor(GPUAdapter.prototype, "limits");
  Object.defineProperty(GPUAdapter.prototype, "limits", { get() {
    return new Proxy(get.call(this), { get: (all, name) => limits[name] ?? all[name] });
  } });
}"""
CHECK = """async ([model, options]) => (await import("/engine/check/check.js")).checkDevice(model, options)"""
COMPILE_BARE = """async (names) => {
  const { Pipelines } = await import("/engine/gpu/pipelines.js");
  const device = await (await navigator.gpu.requestAdapter()).requestDevice();
  const pipelines = new Pipelines(device);
  const failures = [];
  for (const [name, kernel] of Object.entries(await (await fetch("/model/kernels.json")).json())) {
    if (kernel.features.length) continue;
    await pipelines.compile({ [name]: kernel }, () => {}).catch(({ message }) => failures.push(message));
  }
  return { failures, limits: Object.fromEntries(names.map((name) => [name, device.limits[name]])) };
}"""
JUDGE = """async (given) => (await import("/engine/check/verdict.js")).judge(...given)"""


def manifest(**changes) -> bytes:
    """A model of one source that is nowhere, with shaders that are there."""
    digest = hashlib.sha256(KERNELS).hexdigest()
    data = {
        "model": "toy",
        "sources": [{"url": "a.bin", "offset": 0, "bytes": LARGE, "sha256": "0" * 64}],
        "files": {"kernels": {"url": "kernels.json", "bytes": len(KERNELS), "sha256": digest}},
        "needs": asdict(NEEDS),
    }
    return json.dumps(data | changes).encode()


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """A page with a large model, one with a small model, and one that loads without asking."""
    source = {"url": "a.bin", "offset": 0, "bytes": 40, "sha256": "0" * 64}
    instead = {
        "/blank.html": b"<!doctype html><title>Loads nothing</title><link rel=icon href=data:,>",
        "/engine/worker.js": SCRIPTED_WORKER,
        "/index.html": PAGE.format("").encode(),
        "/auto.html": PAGE.format("autoload").encode(),
        "/small.html": PAGE.format('model="small/"').encode(),
        "/model/manifest.json": manifest(),
        "/model/kernels.json": KERNELS,
        "/small/manifest.json": manifest(sources=[source]),
        "/small/kernels.json": KERNELS,
        "/half.html": PAGE.format('model="half/"').encode(),
        "/half/manifest.json": manifest(needs=asdict(NEEDS) | {"start": 0.5}),
        "/half/kernels.json": KERNELS,
        "/old/manifest.json": manifest(needs=None),
        "/damaged/manifest.json": manifest(),
        "/damaged/kernels.json": KERNELS[:-1],
    }
    with serve(WEB, instead) as address:
        yield address


@pytest.fixture
def asked(page: Page) -> list[str]:
    """Addresses that the page has asked for."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    return asked


@pytest.fixture
def blank(page: Page, site: str) -> Page:
    """A page of the site's origin that has loaded nothing."""
    page.goto(site + "blank.html")
    return page


def check(page: Page, model: str = "/model/", **options):
    return page.evaluate(CHECK, [model, options])


def narrow(page: Page, **limits: int) -> None:
    """From here on, adapters offer less."""
    page.evaluate(NARROW, limits)


def facts(*, known=8 << 30, room=None, speed=20.0, needed=1 << 30, handheld=False, **changes):
    """What is known of a device that is well able to run the model."""
    limits = dict(NEEDS.limits) | {"maxStorageBufferBindingSize": 1 << 27, "maxBufferSize": 1 << 28}
    return {
        "adapter": {"vendor": "acme", "architecture": "", "description": "Acme 9000"},
        "isFallback": False,
        "features": [],
        "limits": limits,
        "memory": {
            "needed": needed,
            "neededWithTable": 2 << 30,
            "known": known,
            "handheld": handheld,
        },
        "storage": {"missing": LARGE, "room": room},
        "speed": {"tokensPerSecond": speed, "gigabytesPerSecond": 30.0},
    } | changes


def judge(page: Page, facts, needs=NEEDS, context=None):
    found = page.evaluate(JUDGE, [facts, needs and asdict(needs), context])
    return found["verdict"], " ".join(found["reasons"]).replace("\u00a0", " ")


def test_a_device_that_can_is_told_with_what_is_known_of_it(blank: Page):
    found = check(blank)

    assert found["verdict"] in ("good", "slow")
    at = NEEDS.contexts["4096"]
    needed = NEEDS.weights + at.cache + at.scratch
    assert found["memory"]["needed"] == needed
    assert found["memory"]["neededWithTable"] == needed + NEEDS.table
    gibibytes = blank.evaluate("navigator.deviceMemory ?? null")  # which Firefox does not tell
    assert found["memory"]["known"] == (gibibytes and gibibytes * 2**30)
    assert found["storage"]["missing"] == LARGE + len(KERNELS)
    measured = found["speed"]["gigabytesPerSecond"]
    assert found["speed"]["tokensPerSecond"] == pytest.approx(0.5 * measured * 1e9 / NEEDS.token)
    assert 0 < measured < 10_000
    assert found["limits"]["maxStorageBufferBindingSize"] >= 128 << 20
    assert set(found["adapter"]) == {"vendor", "architecture", "description"}


def test_a_longer_context_needs_more(blank: Page):
    found = check(blank, context=2000, measured=False)

    at = NEEDS.contexts["2048"]
    assert found["memory"]["needed"] == NEEDS.weights + at.cache + at.scratch


@pytest.mark.chromium_only("one of them tells: the others are of the manifest")
@pytest.mark.parametrize("name", [*NEEDS.limits, "maxStorageBufferBindingSize", "maxBufferSize"])
def test_a_limit_below_what_is_needed_refuses_and_fetches_nothing(blank: Page, asked, name):
    least = NEEDS.limits.get(name, NEEDS.contexts["4096"].binding)
    narrow(blank, **{name: least - 1})

    found = check(blank)

    assert found["verdict"] == "cannot"
    assert found["limits"][name] == least - 1
    told = str(least) if name in NEEDS.limits else "in one piece"
    assert any(told in reason for reason in found["reasons"])
    assert not [url for url in asked if "kernels.json" in url or "a.bin" in url]


def test_a_limit_that_is_just_enough_refuses_nothing(blank: Page):
    binding = NEEDS.contexts["4096"].binding
    narrow(blank, **NEEDS.limits, maxStorageBufferBindingSize=binding, maxBufferSize=binding)

    assert check(blank, measured=False)["verdict"] == "good"


def test_a_context_that_would_fit_is_named(blank: Page):
    narrow(blank, maxStorageBufferBindingSize=NEEDS.contexts["2048"].binding)

    assert "A context of 2048 tokens would fit." in check(blank)["reasons"]


def test_no_webgpu_is_a_verdict_too(blank: Page):
    blank.evaluate("navigator.gpu.requestAdapter = async () => null")

    found = check(blank)

    assert found["verdict"] == "cannot"
    assert "no graphics card that WebGPU can use" in found["reasons"][0]
    assert found["adapter"] is None


def test_a_model_that_is_not_there_is_an_error(blank: Page, console_errors):
    with pytest.raises(Exception, match="There is no model at"):
        check(blank, "/nowhere/")
    console_errors.clear()


def test_an_older_model_is_not_judged(blank: Page):
    found = check(blank, "/old/", measured=False)

    assert found["memory"]["needed"] is None
    assert "an older Gemtab built it" in " ".join(found["reasons"])


def test_shaders_that_are_not_the_models_measure_nothing(blank: Page):
    found = check(blank, "/damaged/")

    assert found["verdict"] == "good"
    assert found["speed"] == {"tokensPerSecond": None, "gigabytesPerSecond": None}


JUDGED = {
    "good": ({}, "good", "roughly 20 tokens a second."),
    "slow": ({"speed": 2.94}, "slow", "roughly 2.9 tokens a second, slower than one reads."),
    "just not too slow": ({"speed": 0.5}, "slow", "roughly 0.5 tokens a second, slower"),
    "too slow": ({"speed": 0.49}, "cannot", "roughly 0.5 tokens a second, a sentence in a minute"),
    "much too slow": ({"speed": 0.04}, "cannot", "at less than 0.1 tokens"),
    "too slow in software": (
        {"speed": 0.3, "isFallback": True},
        "cannot",
        "Turn on hardware acceleration",
    ),
    "a phone that does not tell": (
        {"known": None, "handheld": True, "needed": (1 << 30) + 1},
        "tight",
        "a phone or tablet may not have so much for a page; the browser does not say",
    ),
    "a small model on a phone": (
        {"known": None, "handheld": True},
        "good",
        "the browser does not say how much there is",
    ),
    "little memory": (
        {"known": 2**30},
        "tight",
        "about 1.1 GB of graphics memory, and this device has about 1 GB",
    ),
    "just enough memory": ({"known": 2**31}, "good", ""),
    "unknown memory": ({"known": None}, "good", "the browser does not say how much there is"),
    "no room": ({"room": 0}, "tight", "is this a private window?"),
    "little room": (
        {"room": LARGE - 400_000_000},
        "tight",
        "room for 1.5 GB, and 1.9 GB are to come: 400 MB are short",
    ),
    "a byte too little room": ({"room": LARGE - 1}, "tight", "are short"),
    "just enough room": ({"room": LARGE}, "good", ""),
    "slow and tight": ({"speed": 1, "room": 0}, "tight", "slower than one reads"),
    "unmeasured": ({"speed": None}, "good", ""),
    "software": ({"isFallback": True}, "good", "the browser computes in software"),
}


@pytest.mark.chromium_only("a pure function")
@pytest.mark.parametrize(("given", "verdict", "words"), JUDGED.values(), ids=JUDGED)
def test_a_verdict_follows_from_what_is_known(blank: Page, given, verdict, words):
    found, told = judge(blank, facts(**given))

    assert found == verdict
    assert words in told


@pytest.mark.parametrize(
    ("runs", "fastest"),  # ms; the first is warm-up
    [([1000, 32, 64, 128], 32), ([1000, 190, 15], 15)],
    ids=["a slow device", "one that is fast at the very end"],
)
def test_the_best_of_several_runs_counts_and_a_slow_device_gets_little_to_do(
    blank: Page, runs, fastest
):
    bytes_per_second = blank.evaluate(
        """async (runs) => {
      const { measure } = await import("/engine/gpu/measure.js");
      const kernel = (await (await fetch("/model/kernels.json")).json()).measure;
      const device = await (await navigator.gpu.requestAdapter()).requestDevice();
      let calls = 0, time = 0;
      return measure(device, kernel, () => (calls++ % 2 ? (time += runs.shift()) : time)); }""",
        runs,
    )

    assert bytes_per_second == 1000 * (1 << 20) / fastest


def test_every_kernel_keeps_to_what_webgpu_promises_everywhere(blank: Page):
    found = blank.evaluate(COMPILE_BARE, list(NEEDS.limits))

    assert found == {"failures": [], "limits": dict(NEEDS.limits)}


def test_the_offer_tells_the_verdict_and_details(page: Page, site: str, asked):
    page.goto(site)
    offer = page.get_by_role("region", name="Download")
    expect(offer).to_contain_text("This device can run it")
    expect(offer).to_contain_text("tokens a second")
    expect(offer.get_by_role("definition").first).to_be_hidden()

    offer.get_by_text("Details", exact=True).press("Enter")

    terms = ["Graphics", "Memory", "Disk", "Speed"]
    expect(offer.get_by_role("term")).to_have_text(terms)
    needed = offer.get_by_role("definition").nth(1)
    expect(needed).to_contain_text("MB needed for graphics")
    expect(offer.get_by_role("definition").nth(3)).to_contain_text("of weights a second, measured")
    assert not [url for url in asked if "a.bin" in url]
    page.get_by_role("button", name="Download 1.9 GB and start").click()
    expect(page.get_by_role("status")).to_have_text("Ready")


ROOM = (
    "if (navigator.storage) navigator.storage.estimate = async () => ({{ quota: {}, usage: 1e9 }})"
)


@pytest.mark.parametrize(
    ("quota", "short"),
    [(2_500_000_000, "1.5 GB, and 1.9 GB are to come: 401 MB are short"), (1e9, "keeps nothing")],
)
def test_a_model_that_does_not_fit_the_free_space_is_no_first_choice(
    page: Page, site: str, quota, short
):
    page.add_init_script(ROOM.format(quota))
    page.goto(site)

    offer = page.get_by_role("region", name="Download")
    expect(offer).to_contain_text("This device may not have enough room for it.")
    expect(offer).to_contain_text(re.compile(short.replace(" ", r"\s")))
    expect(offer.locator("button.primary")).to_have_count(0)
    offer.get_by_role("button", name="Download 1.9 GB all the same").click()
    expect(page.get_by_role("status")).to_have_text("Ready")


def test_the_offer_counts_the_apps_own_files(page: Page, site: str):
    sizes = {"version": "1", "files": {}, "sizes": {"a.js": 100_000_000, "b.wasm": 200_000_000}}
    page.route("**/app.json", lambda route: route.fulfill(json=sizes))
    page.add_init_script(ROOM.format(1e9 + LARGE + 200_000_000))
    page.goto(site)

    offer = page.get_by_role("region", name="Download")
    expect(offer).to_contain_text("weights are 1.9 GB; this app and its Python are 300 MB.")
    expect(offer).to_contain_text("2.2 GB are to come")
    expect(offer.get_by_role("button")).to_have_text("Download 2.2 GB all the same")


def test_the_offer_tells_when_a_chat_can_begin(page: Page, site: str):
    page.goto(site + "half.html")

    offer = page.get_by_role("region", name="Download")
    # half of the weights, and the files: shaders for every device are a megabyte
    expect(offer).to_contain_text(re.compile(r"A chat can begin after the first 95[01]\sMB\."))
    page.goto(site)
    expect(offer).to_contain_text("Its weights are 1.9 GB")
    expect(offer).not_to_contain_text("A chat can begin")


@pytest.mark.parametrize("name", ["", "auto.html", "small.html"])
def test_a_device_that_cannot_gets_no_button_and_fetches_no_weights(page: Page, site, asked, name):
    narrowed = f"({NARROW})({{ maxStorageBufferBindingSize: 4096 }})"
    page.add_init_script(f"globalThis.GPUAdapter && {narrowed}")  # about:blank may have none
    page.goto(site + name)

    offer = page.get_by_role("region", name="Download")
    expect(offer).to_contain_text("This device cannot run it. This device binds at most 4.1")
    expect(offer).to_contain_text("Use a device with a larger graphics card, or a smaller model.")
    expect(offer.get_by_role("button")).to_have_count(0)
    expect(page.get_by_role("status")).to_have_text("")
    fetched = [url for url in asked if "a.bin" in url or "kernels" in url or "/worker.js" in url]
    assert fetched == []


def test_a_small_model_starts_at_once_unmeasured(page: Page, site: str, asked):
    page.goto(site + "small.html")

    expect(page.get_by_role("status")).to_have_text("Ready")
    assert not [url for url in asked if "kernels.json" in url]
