"""The site's files: which they are, and that the same sources give the same bytes."""

import io
import zipfile

import pytest

from gemtab.contracts.errors import UsageError
from gemtab_build import site
from gemtab_build.pyodide_assets import pins
from gemtab_build.python_archive import engine_files, pack, package_files, packages_archive


@pytest.fixture
def sources(monkeypatch):
    """A site of three files, with no fetching."""
    files = {"index.html": b"page", "engine/old.js": b"1", "python/packages.zip": b"zip"}
    monkeypatch.setattr(site, "site_files", lambda: dict(files))
    return files


def test_the_archive_has_the_engine_and_its_packages():
    names = zipfile.ZipFile(io.BytesIO(packages_archive())).namelist()

    assert {"gemtab/__init__.py", "jinja2/sandbox.py", "markupsafe/_native.py"} <= set(names)
    assert not [name for name in names if name.endswith((".so", ".pyd", ".pyc"))]
    assert sum("LICENSE" in name for name in names) == 2


def test_the_same_files_give_the_same_archive():
    files = engine_files()

    assert pack(files) == pack(dict(reversed(files.items())))


def test_another_version_than_the_lock_is_refused(monkeypatch):
    monkeypatch.setitem(pins()["python"], "jinja2", {"version": "3.1.6", "digest": "0" * 64})

    with pytest.raises(UsageError, match=r"jinja2 3\.1\.6 is not"):
        package_files("jinja2")


def test_a_page_without_its_developers_files(tmp_path):
    for name in ("index.html", "package.json", "types.d.ts", ".npmrc", "engine/client.js"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")

    assert set(site.page_files(tmp_path)) == {"index.html", "engine/client.js"}


def test_a_second_build_removes_what_is_gone_and_leaves_the_model(tmp_path, sources):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "manifest.json").write_text("{}")
    site.write_site(tmp_path)
    del sources["engine/old.js"]

    site.write_site(tmp_path)

    assert not (tmp_path / "engine" / "old.js").exists()
    assert (tmp_path / "model" / "manifest.json").exists()


@pytest.mark.usefixtures("sources")
def test_a_listing_cannot_remove_files_outside(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (tmp_path / "mine").write_text("x")
    (out / site.LISTING).write_text('["../mine", 3]')

    site.write_site(out)

    assert (tmp_path / "mine").exists()


def test_an_unchanged_file_keeps_its_time(tmp_path, sources):
    site.write_site(tmp_path)
    before = {name: (tmp_path / name).stat().st_mtime_ns for name in sources}

    site.write_site(tmp_path)

    assert before == {name: (tmp_path / name).stat().st_mtime_ns for name in sources}
