"""What a load may be told beside the model's address, and phones and tablets whose browser does not tell their memory."""

import json

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.chromium_only("the same script in each browser")]

POSTED = """() => {
  window.posted = [];
  const { postMessage } = Worker.prototype;
  Worker.prototype.postMessage = function (message) { posted.push(message); return postMessage.call(this, message); };
}"""
LOAD = """async (options) => {
  const { Engine } = await import("/engine/client.js");
  const engine = new Engine();
  try {
    const ready = await engine.load("model/", options);
    return { context: ready.context, posted: posted.filter(({ type }) => type === "load") };
  } catch ({ kind, message }) {
    return { kind, message, posted: posted.filter(({ type }) => type === "load") };
  } finally {
    engine.dispose();
  } }"""
NONE = {"context": None, "kv": None, "chunk": None, "ple": None, "memory": None}
SILENT = "delete Navigator.prototype.deviceMemory"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1.15 Version/26.0 Mobile/15E148"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/26.0 Safari/605.1.15"
FOX = "Mozilla/5.0 ({}; rv:153.0) Gecko/153.0 Firefox/153.0"
WINDOWS = "Windows NT 10.0; Win64; x64"
GIB = 1 << 30


@pytest.fixture
def blank(page: Page, scripted_site: str) -> Page:
    """A page of the site's that has loaded nothing, and notes what a worker is told."""
    page.route("**/blank.html", lambda route: route.fulfill(content_type="text/html", body=""))
    page.add_init_script(f"({POSTED})()")
    page.goto(scripted_site + "blank.html")
    return page


def test_choices_reach_the_engine(blank: Page):
    choices = {"context": 8192, "kv": "q8", "chunk": 64, "ple": "disk", "memory": 3 * GIB}

    found = blank.evaluate(LOAD, choices)

    assert found["context"] == 8192
    assert [{name: one[name] for name in choices} for one in found["posted"]] == [choices]


def test_what_is_not_chosen_is_null(blank: Page):
    posted = blank.evaluate(LOAD, {})["posted"][0]

    assert {name: posted[name] for name in NONE} == NONE


WRONG = {
    "context": [1, 0, -5, 2.5, "8192", "long", True],
    "kv": ["q4", "", 16],
    "chunk": [0, "64", 1e30],
    "ple": ["cpu", "GPU", 1],
    "memory": [2, 0, "2 GB"],
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_choice_is_refused_with_its_name_and_value(blank: Page, name: str):
    for value in WRONG[name]:
        found = blank.evaluate(LOAD, {name: value})

        assert found["kind"] == "UsageError"
        assert found["message"].startswith(f"{name} is ")
        assert f"not {json.dumps(value)}." in found["message"]
        assert found["posted"] == []


ELEMENT = """<!doctype html><title>Chat</title><link rel="icon" href="data:,">
<script type="module">{}
await import("./chat/define.js");</script><gemtab-chat {}></gemtab-chat>"""


def show(page: Page, site: str, attributes: str = "", script: str = "") -> None:
    """Open a page with an element."""
    page.add_init_script(f"({POSTED})()")
    html = ELEMENT.format(script, attributes)
    page.route("**/own.html", lambda route: route.fulfill(content_type="text/html", body=html))
    page.goto(site + "own.html")


def told(page: Page) -> dict:
    """The choices that the worker was told."""
    expect(page.get_by_role("status")).to_have_text("Ready")
    posted = page.evaluate("posted.find(({ type }) => type === 'load')")
    return {name: posted[name] for name in NONE}


def test_the_element_takes_choices_as_attributes(page: Page, scripted_site: str):
    show(page, scripted_site, 'context="512" kv="f32" chunk="32" ple="gpu" memory="1500000000"')

    assert told(page) == {
        "context": 512, "kv": "f32", "chunk": 32, "ple": "gpu", "memory": 1_500_000_000,
    }  # fmt: skip


def test_the_element_takes_choices_as_properties_even_before_it_is_known(
    page: Page, scripted_site: str
):
    early = (
        "const chat = document.querySelector('gemtab-chat'); chat.context = 512; chat.ple = 'disk';"
    )
    show(page, scripted_site, 'kv="f16"', early)

    assert told(page) == NONE | {"context": 512, "ple": "disk", "kv": "f16"}
    properties = "(chat) => [chat.context, chat.kv, chat.memory, chat.getAttribute('ple')]"
    chat = page.locator("gemtab-chat")
    assert chat.evaluate(properties) == [512, "f16", None, "disk"]
    assert chat.evaluate("(chat) => ((chat.context = null), chat.hasAttribute('context'))") is False


@pytest.mark.parametrize(
    ("attribute", "words"),
    [
        ('context="long"', 'context is a whole number of tokens, 2 or more, not "long".'),
        ('memory="2 GB"', 'memory is a whole number of bytes, 1048576 or more, not "2 GB".'),
        ('kv="q4"', 'kv is one of f32, f16, q8, not "q4".'),
        ('chunk="-1"', 'not "-1".'),
        ('ple=""', 'ple is one of auto, gpu, disk, not "".'),
    ],
)
def test_the_element_says_which_attribute_is_wrong(
    page: Page, scripted_site: str, attribute, words
):
    show(page, scripted_site, attribute)

    expect(page.get_by_role("alert")).to_contain_text(words)
    assert page.evaluate("posted") == []


SEEN = {
    "iPhone": ({"userAgent": IPHONE, "maxTouchPoints": 5}, {}, True),
    "iPad that calls itself a Mac": ({"userAgent": MAC, "maxTouchPoints": 5}, {}, True),
    "Mac": ({"userAgent": MAC, "maxTouchPoints": 0}, {}, False),
    "Firefox on Android": (
        {"userAgent": FOX.format("Android 16; Mobile"), "maxTouchPoints": 5},
        {},
        True,
    ),
    "Firefox on Windows": ({"userAgent": FOX.format(WINDOWS), "maxTouchPoints": 0}, {}, False),
    "a laptop with a touch screen": (
        {"userAgent": FOX.format(WINDOWS), "maxTouchPoints": 10},
        {"coarse": False, "width": 1280, "height": 800},
        False,
    ),
    "a small tablet with Windows": (
        {"userAgent": FOX.format(WINDOWS), "maxTouchPoints": 10},
        {"coarse": True, "width": 1200, "height": 800},
        True,
    ),
    "a large screen to touch": (
        {"userAgent": FOX.format("X11; Linux x86_64"), "maxTouchPoints": 10},
        {"coarse": True, "width": 1920, "height": 1080},
        False,
    ),
    "Chrome on a phone": (
        {"userAgent": "Chrome", "userAgentData": {"mobile": True, "platform": "Android"}},
        {},
        True,
    ),
    "Chrome on a tablet": (
        {"userAgent": "Chrome", "userAgentData": {"mobile": False, "platform": "Android"}},
        {},
        True,
    ),
    "Chrome on a desk": (
        {"userAgent": "Chrome", "userAgentData": {"mobile": False, "platform": "Windows"}},
        {},
        False,
    ),
    "a worker": ({"userAgent": FOX.format(WINDOWS)}, {}, False),
}
JUDGE = """async ([navigator, { coarse, width, height }]) => {
  const { isHandheld } = await import("/engine/check/handheld.js");
  const rest = width ? { screen: { width, height }, matchMedia: () => ({ matches: coarse }) } : {};
  return isHandheld({ navigator, ...rest }); }"""


@pytest.mark.chromium_only("a pure function")
@pytest.mark.parametrize(("navigator", "screen", "handheld"), SEEN.values(), ids=SEEN)
def test_phones_and_tablets_are_known(blank: Page, navigator, screen, handheld):
    assert blank.evaluate(JUDGE, [navigator, screen]) is handheld


@pytest.mark.chromium_only("Firefox never tells")
@pytest.mark.parametrize(
    ("agent", "tells", "choices", "memory"),
    [
        (IPHONE, False, {}, GIB),
        (IPHONE, False, {"memory": 3 * GIB}, 3 * GIB),
        (IPHONE, True, {}, None),  # what it tells counts
        (MAC, False, {}, None),  # the engine's usual guess
    ],
    ids=["phone", "phone, chosen", "phone that tells", "desk"],
)
def test_a_phone_that_does_not_tell_its_memory_is_taken_for_small(
    browser, scripted_site: str, agent, tells, choices, memory
):
    context = browser.new_context(user_agent=agent)
    page = context.new_page()
    page.route("**/blank.html", lambda route: route.fulfill(content_type="text/html", body=""))
    page.add_init_script(f"({POSTED})()")
    if not tells:
        page.add_init_script(SILENT)
    page.goto(scripted_site + "blank.html")

    assert page.evaluate(LOAD, choices)["posted"][0]["memory"] == memory
    context.close()
