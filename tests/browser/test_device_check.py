"""Whether this device can run a model, told before any of its weights are fetched."""

from dataclasses import asdict

import pytest
from playwright.sync_api import Page

from browser.judged_site import LARGE, NARROW, NEEDS, kernels

pytestmark = pytest.mark.browser

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


@pytest.fixture
def blank(page: Page, judged_site: str) -> Page:
    """A page of the site's origin that has loaded nothing."""
    page.goto(judged_site + "blank.html")
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
    assert found["storage"]["missing"] == LARGE + len(kernels())
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
