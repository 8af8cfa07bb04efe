"""gemtab build --weights-at: a site whose weights are on another host."""

import hashlib

import pytest

from gemtab.contracts.errors import UsageError
from gemtab.contracts.manifest import Manifest
from gemtab_build import site
from gemtab_build.cli import main
from gemtab_build.weights_at import origin_of

URL = "https://weights.test/toy"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder above a built model and its weights."""
    folder = tmp_path_factory.mktemp("apart")
    out = folder / "toy"
    assert main(["build", "demo", "--out", str(out), "--model-only", "--weights-at", URL]) == 0
    return folder


def test_the_manifest_names_shards_on_the_other_host(built):
    manifest = Manifest.from_json((built / "toy/model/manifest.json").read_bytes())

    assert manifest.sources
    for source in manifest.sources:
        name = source.url.removeprefix(URL + "/")
        shard = (built / "toy-weights" / name).read_bytes()
        assert hashlib.sha256(shard).hexdigest() == source.sha256
        assert not (built / "toy/model" / name).exists()


def test_what_needs_the_weights_here_says_where_they_are(built, capsys):
    assert main(["verify", str(built / "toy")]) == 2

    assert f"{URL}/" in capsys.readouterr().err


def test_the_page_may_fetch_from_the_other_host():
    page = (site.web_folder() / "index.html").read_bytes()

    allowed = site.allow(page, origin_of(URL)).decode()

    assert "connect-src 'self' https://weights.test;" in allowed
    assert len(allowed) == len(page) + len(" https://weights.test")


@pytest.mark.parametrize("url", ["weights", "/weights", "ftp://host/a", "https://", "https://a/?b"])
def test_an_address_that_a_page_cannot_fetch_from_is_refused(url):
    with pytest.raises(UsageError, match=r"--weights-at .*: give a folder's address"):
        origin_of(url)
