"""Finding browsers and what comes with them, and installing them on a bare machine."""

import os

import pytest

from gemtab_build.run import setup_browser
from gemtab_build.run.setup_browser import (
    find_chromium,
    find_firefox,
    set_up_chromium,
    set_up_firefox,
    swiftshader_driver,
)
from gemtab_build.verbs import demo

PARTS = ("chrome", "libvk_swiftshader.so", "vk_swiftshader_icd.json")


def test_swiftshader_lies_beside_the_program_that_a_link_leads_to(tmp_path, monkeypatch):
    folder = tmp_path / "chromium"
    folder.mkdir()
    for name in PARTS:
        (folder / name).touch()
    (tmp_path / "command").symlink_to(folder / "chrome")
    monkeypatch.setenv("GEMTAB_CHROMIUM", str(tmp_path / "command"))

    assert swiftshader_driver() == folder / "vk_swiftshader_icd.json"


def test_without_chromium_there_is_no_driver(tmp_path, monkeypatch):
    monkeypatch.setenv("GEMTAB_CHROMIUM", str(tmp_path / "nothing"))

    assert swiftshader_driver() is None


# puts the last thing it is asked to install on the PATH, as if it were a package's command
APT = """#!/bin/sh
echo "$@" >> "$APT_LOG"
for last; do :; done
[ "$1" = install ] && printf '#!/bin/sh\n' > "$APT_BIN/$last" && /bin/chmod +x "$APT_BIN/$last"
exit 0
"""


@pytest.fixture
def bare_machine(tmp_path, monkeypatch):
    """A Debian on which we are root, that has no browser and no way to one but apt-get; the log of that."""
    folder = tmp_path / "bin"
    folder.mkdir()
    command = folder / "apt-get"
    command.write_text(APT)
    command.chmod(0o755)
    for name in ("GEMTAB_CHROMIUM", "GEMTAB_FIREFOX"):
        monkeypatch.delenv(name, raising=False)
    log = tmp_path / "log"
    for name, value in {
        "PATH": folder,
        "APT_BIN": folder,
        "APT_LOG": log,
        "HOME": tmp_path,
    }.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    monkeypatch.setattr(
        setup_browser.sys, "executable", "/bin/false"
    )  # Playwright has none to give
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    setup_browser._apt_update.cache_clear()
    yield log
    setup_browser._apt_update.cache_clear()


@pytest.mark.parametrize(
    ("set_up", "find", "package"),
    [(set_up_chromium, find_chromium, "chromium"), (set_up_firefox, find_firefox, "firefox-esr")],
)
def test_a_bare_machine_gets_a_browser(bare_machine, set_up, find, package):
    assert find() is None

    found = set_up()

    assert found is not None
    assert found.name == package
    assert set_up() == found
    assert bare_machine.read_text().count("install -y") == 1


def test_a_variable_names_another_program_or_none(tmp_path, monkeypatch):
    monkeypatch.setenv("GEMTAB_FIREFOX", str(tmp_path))
    assert find_firefox() == tmp_path

    monkeypatch.setenv("GEMTAB_FIREFOX", str(tmp_path / "nothing"))
    assert find_firefox() is None
    assert set_up_firefox() is None


@pytest.mark.usefixtures("bare_machine")
def test_the_demos_check_gets_a_browser_first(tmp_path, monkeypatch, capsys):
    found = []
    monkeypatch.setattr(demo, "build_demo", lambda out: out.mkdir())
    monkeypatch.setattr(demo, "ask_page", lambda *_: found.append(find_chromium()) or "A reply.")
    arguments = demo.argparse.Namespace(out=tmp_path / "site", check=True, ask="Who?")

    assert demo.run(arguments) == 0

    assert [path.name for path in found] == ["chromium"]
    assert "A reply." in capsys.readouterr().out
