"""Python's own files through a bad network: fetched again, proven, and told by name where they stay away."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from browser.faulty_site import serve_faulty
from browser.piece_server import PieceHandler, Pieces, cut, stall, status, wrong
from gemtab_build.site.write import site_files, write_files

pytestmark = pytest.mark.browser

HERE = Path(__file__).parent
WASM, SCRIPT = "pyodide/pyodide.asm.wasm", "pyodide/pyodide.asm.mjs"
LIBRARY, PACKAGES = "pyodide/python_stdlib.zip", "python/packages.zip"
BLANK = b"<!doctype html><title>Loads nothing</title>"
QUICK = {"stallMs": 1000, "pauseMs": 1, "retries": 2, "offlineMs": 50}
BOOT = """(patience) => new Promise((resolve) => {
  const worker = new Worker("/boot.js", { type: "module" });
  worker.onmessage = ({ data }) => resolve(data);
  worker.onerror = (event) => resolve({ error: event.message });
  worker.postMessage(patience);
})"""


def silence(handler: PieceHandler, _: bytes) -> None:
    """No answer at all."""
    handler.pieces.closing.wait()


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("python") / "site"
    write_files(folder, site_files())
    return folder


@pytest.fixture
def site(built: Path) -> Iterator[Pieces]:
    instead = {"/blank.html": BLANK, "/boot.js": HERE / "python_worker.js"}
    with serve_faulty(built, instead) as site:
        yield site


@pytest.fixture
def tab(context, site: Pieces) -> Page:
    page = context.new_page()
    page.goto(site.address + "blank.html")
    return page


def boot(tab: Page, **patience: int) -> dict[str, Any]:
    """Boot Python in a worker of the tab's."""
    return dict(tab.evaluate(BOOT, QUICK | patience))


def test_a_bad_network_only_delays_python(tab: Page, site: Pieces):
    site.faults = {
        WASM: [status(503), cut(3_000_000)],
        SCRIPT: [cut(100_000)],
        LIBRARY: [stall(1_000_000)],
        PACKAGES: [wrong],
    }

    said = boot(tab, stallMs=3000, retries=9)

    assert said.get("booted") == "function", said
    assert went_on(site, WASM)
    assert went_on(site, LIBRARY)
    done, total = said["progress"][-1]
    assert done == total > 14_000_000
    assert any(0 < done < total - 1 for done, total in said["progress"])


def went_on(site: Pieces, name: str) -> bool:
    """Whether a file was asked for from where it had broken off."""
    return any(asked == name and wanted and wanted != "bytes=0-" for asked, wanted in site.asked)


FAILURES = {
    "a wasm that is not there": (WASM, [status(404)], "answered 404"),
    "a wasm that is cut off": (WASM, [cut(0)] * 9, "could not be fetched"),
    "a wasm of other bytes": (WASM, [wrong] * 9, "is damaged: its SHA-256 is"),
    "a script that is not there": (SCRIPT, [status(404)], "answered 404"),
    "a library that never comes": (LIBRARY, [silence] * 9, "nothing arrived for 1 seconds"),
    "packages that never come": (PACKAGES, [stall(9)] * 9, "nothing arrived for 1 seconds"),
}


@pytest.mark.parametrize(("name", "faults", "told"), FAILURES.values(), ids=FAILURES)
def test_a_file_that_cannot_be_had_is_told(tab: Page, site: Pieces, name, faults, told):
    site.faults[name] = list(faults)

    said = boot(tab, retries=0)

    assert said["error"].startswith("DownloadError: ")
    assert site.address + name in said["error"]
    assert told in said["error"]
