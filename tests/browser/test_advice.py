"""web/engine/gpu/advice.js: what to do where there is no WebGPU, by what browsers say of themselves."""

import re

import pytest
from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.chromium_only("pure functions")]

WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0"
IPHONE = f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) {WEBKIT}"
BROWSERS = {
    "Firefox on Linux": "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0",
    "Firefox on Windows": "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Firefox on macOS": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:144.0) Gecko/20100101 Firefox/144.0",
    "Firefox on Android": "Mozilla/5.0 (Android 15; Mobile; rv:153.0) Gecko/153.0 Firefox/153.0",
    "Firefox on iOS": f"{IPHONE} FxiOS/153.0 Mobile/15E148 Safari/605.1.15",
    "Safari on macOS": f"{MAC} {WEBKIT} Version/18.6 Safari/605.1.15",
    "Safari on an iPad": f"{MAC} {WEBKIT} Version/18.6 Safari/605.1.15 touch",
    "Safari on iOS": f"{IPHONE} Version/18.6 Mobile/15E148 Safari/604.1",
    "Chrome on iOS": f"{IPHONE} CriOS/156.0.0.0 Mobile/15E148 Safari/604.1",
    "Chrome on Linux": f"Mozilla/5.0 (X11; Linux x86_64) {CHROME} Safari/537.36",
    "Chrome on macOS": f"{MAC} {CHROME} Safari/537.36",
    "Edge on Windows": f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Safari/537.36 Edg/156.0.0.0",
    "Chrome on Android": f"Mozilla/5.0 (Linux; Android 10; K) {CHROME} Mobile Safari/537.36",
    "Chrome on ChromeOS": f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {CHROME} Safari/537.36",
    "another": "Lynx/2.9",
}
WITHOUT = {
    "Firefox on Linux": "about:config in a new tab, set dom.webgpu.enabled to true",
    "Firefox on Windows": "from version 141 on",
    "Firefox on macOS": "from version 147 on (145 on macOS 26)",
    "Firefox on Android": "use Chrome",
    "Firefox on iOS": "from iOS 26 and iPadOS 26 on, in every browser",
    "Safari on macOS": "from macOS 26 on",
    "Safari on an iPad": "from iOS 26 and iPadOS 26 on, in every browser",
    "Safari on iOS": "from iOS 26 and iPadOS 26 on, in every browser",
    "Chrome on iOS": "from iOS 26 and iPadOS 26 on, in every browser",
    "Chrome on Linux": "from version 144 on, for some graphics cards",
    "Chrome on macOS": "from version 113 on",
    "Edge on Windows": "from version 113 on",
    "Chrome on Android": "from version 121 and Android 12 on",
    "Chrome on ChromeOS": "Use Chrome or Edge 113 or newer, Safari 26, or Firefox 141 or newer",
    "another": "Use Chrome or Edge 113 or newer, Safari 26, or Firefox 141 or newer",
}
NO_CARD = {
    "Firefox on Linux": "set gfx.webgpu.ignore-blocklist to true",
    "Firefox on Windows": "turn on hardware acceleration",
    "Firefox on macOS": "turn on hardware acceleration",
    "Firefox on Android": "Use Chrome",
    "Firefox on iOS": "Close other tabs and apps",
    "Safari on macOS": "Restart Safari",
    "Safari on an iPad": "Close other tabs and apps",
    "Safari on iOS": "Close other tabs and apps",
    "Chrome on iOS": "Close other tabs and apps",
    "Chrome on Linux": "chrome://flags/#enable-unsafe-webgpu",
    "Chrome on macOS": "chrome://flags/#enable-unsafe-webgpu",
    "Edge on Windows": "chrome://flags/#enable-unsafe-webgpu",
    "Chrome on Android": "Android 12 or newer",
    "Chrome on ChromeOS": "turn on hardware acceleration",
    "another": "turn on hardware acceleration",
}
TELL = """async (told) => {
  const { withoutWebGPU, withoutAdapter } = await import("/engine/gpu/advice.js");
  return [withoutWebGPU(told), withoutAdapter(told)]; }"""


@pytest.mark.parametrize("place", BROWSERS)
def test_each_browser_gets_its_own_advice(blank: Page, place):
    agent = BROWSERS[place].removesuffix(" touch")
    touch = 5 if agent != BROWSERS[place] or "iPhone" in agent else 0

    missing, no_card = blank.evaluate(TELL, {"userAgent": agent, "maxTouchPoints": touch})

    assert missing.startswith("This browser has no WebGPU, which the model needs. ")
    assert WITHOUT[place] in missing
    assert no_card.startswith("The browser found no graphics card that WebGPU can use. ")
    assert NO_CARD[place] in no_card
    is_chromium = "Chrome/" in agent
    assert is_chromium or "chrome://" not in missing + no_card
    assert ("about:config" in missing + no_card) == (place == "Firefox on Linux")
    assert not re.search(r"undefined|  ", missing + no_card)


def test_a_worker_that_knows_no_touch_tells_of_ipads_too(blank: Page):
    missing, _ = blank.evaluate(TELL, {"userAgent": BROWSERS["Safari on macOS"]})

    assert "on iPads from iPadOS 26 on" in missing
