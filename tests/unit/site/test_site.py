"""The site's files: which they are, and that the same sources give the same bytes."""

import gzip
import hashlib
import io
import json
import re
import zipfile

import pytest

from gemtab.contracts.errors import UsageError
from gemtab_build.site import write as site
from gemtab_build.site.compress import precompress
from gemtab_build.site.pyodide_assets import pins
from gemtab_build.site.python_archive import engine_files, pack, package_files, packages_archive
from gemtab_build.site.replacing import LISTING, list_more, replacing, write_listing


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


@pytest.fixture
def build(tmp_path):
    """A function that builds a site of some files, with a model or not."""

    def built(files, model=None, packed=False):
        with replacing(tmp_path / "out") as new:
            if model:
                site.write_files(new / "model", model)
            site.write_files(new, files)
            write_listing(new, set(files))
            if packed:
                list_more(new, precompress(new))

    return built


def test_a_second_build_removes_what_is_gone_and_leaves_the_model(tmp_path, build):
    build({"index.html": b"page", "engine/old.js": b"1"}, {"manifest.json": b"{}", "a.bin": b"2"})

    build({"index.html": b"page"})

    files = {path.name for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert files == {"index.html", "site.json", "manifest.json", "a.bin"}


def test_a_second_model_replaces_the_first_and_leaves_the_page(tmp_path, build):
    build({"index.html": b"page"}, {"manifest.json": b"{}", "a.bin": b"2"})

    with replacing(tmp_path / "out") as new:
        site.write_files(new / "model", {"manifest.json": b"[]", "b.bin": b"3"})

    assert {path.name for path in (tmp_path / "out/model").iterdir()} == {"manifest.json", "b.bin"}
    assert (tmp_path / "out/model/manifest.json").read_bytes() == b"[]"
    assert (tmp_path / "out/index.html").exists()


def test_a_listing_cannot_remove_files_outside(tmp_path, build):
    (tmp_path / "out").mkdir()
    (tmp_path / "mine").write_text("x")
    (tmp_path / "out" / LISTING).write_text('["../mine", 3]')

    build({"index.html": b"page"})

    assert (tmp_path / "mine").exists()


def test_files_of_someone_else_stay_and_stop_the_build(tmp_path, build):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "index.html").write_text("mine")

    with pytest.raises(UsageError, match=r"index\.html is in the way"):
        build({"index.html": b"page", "a.js": b"1"})

    assert [path.name for path in (tmp_path / "out").iterdir()] == ["index.html"]
    assert (tmp_path / "out" / "index.html").read_text() == "mine"


def test_an_unchanged_file_keeps_its_time(tmp_path, build):
    files = {"index.html": b"page", "engine/old.js": b"1"}
    build(files)
    before = {name: (tmp_path / "out" / name).stat().st_mtime_ns for name in files}

    build(files)

    assert before == {name: (tmp_path / "out" / name).stat().st_mtime_ns for name in files}


def test_precompressed_files_lie_beside_those_that_gain_and_go_when_they_are_built_without(
    tmp_path, build
):
    text = b"again and again " * 100
    page = {"index.html": text, "engine/a.js": b"short", "python/packages.zip": text}
    model = {"manifest.json": text, "tokenizer.0123.bin": text, "0123456789ab.bin": text}
    gained = {"index.html.gz", "model/manifest.json.gz", "model/tokenizer.0123.bin.gz"}
    out = tmp_path / "out"

    build(page, model, packed=True)

    packed = {path.relative_to(out).as_posix() for path in out.rglob("*.gz")}
    assert packed == gained
    assert all(gzip.decompress((out / name).read_bytes()) == text for name in gained)
    before = {name: (out / name).read_bytes() for name in gained}
    build(page, model, packed=True)
    assert {name: (out / name).read_bytes() for name in gained} == before

    build({**page, "index.html": b"new"}, {**model, "manifest.json": b"{}"})
    assert not list(out.rglob("*.gz"))


def test_the_app_listing_knows_files_by_their_hashes():
    first = json.loads(site.app_listing({"index.html": b"page", "engine/a.js": b"1"}))
    again = json.loads(site.app_listing({"engine/a.js": b"1", "index.html": b"page"}))
    other = json.loads(site.app_listing({"index.html": b"page", "engine/a.js": b"2"}))

    assert first["files"]["index.html"] == hashlib.sha256(b"page").hexdigest()
    assert first["sizes"] == {"engine/a.js": 1, "index.html": 4}
    assert first == again
    assert first["version"] != other["version"]


def test_the_service_worker_knows_every_folder_of_the_app():
    text = (site.web_folder() / "sw.js").read_text(encoding="utf-8")
    known = re.search(r"FOLDERS = new Set\((\[.*?\])\)", text)

    folders = {name.rpartition("/")[0].split("/")[0] for name in site.page_files(site.web_folder())}
    assert known
    assert set(json.loads(known.group(1))) == folders | {"pyodide", "python"}
