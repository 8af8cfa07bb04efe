"""Finding what comes with Chromium."""

from gemtab_build.run.setup_browser import swiftshader_driver

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
