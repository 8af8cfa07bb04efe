"""gemtab build --weights-at: a site whose weights are on another host."""

import hashlib

import pytest

from gemtab.contracts.errors import UsageError
from gemtab.contracts.manifest import Manifest
from gemtab_build.cli import main
from gemtab_build.site import write as site
from gemtab_build.weights.weights_at import origins_of

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


def test_what_needs_the_weights_here_takes_them_from_beside_the_site(built, capsys):
    assert main(["verify", str(built / "toy")]) == 0

    (built / "toy-weights").rename(built / "uploaded")
    try:
        for verb in (["verify"], ["export", "--out", str(built / "back")]):
            assert main([verb[0], str(built / "toy"), *verb[1:]]) == 2
            said = capsys.readouterr().err
            assert f"{URL}/" in said
            assert str(built / "toy-weights") in said
    finally:
        (built / "uploaded").rename(built / "toy-weights")


def test_shards_have_no_address_of_a_file(tmp_path, capsys):
    address = f"{URL}/model.safetensors"
    out = ["--out", str(tmp_path / "toy"), "--model-only", "--weights-at", address]
    assert main(["build", "demo", *out]) == 2

    assert f"--weights-at {address} names a file" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_page_may_fetch_from_the_other_host():
    page = (site.web_folder() / "index.html").read_bytes()

    allowed = site.allow(page, origins_of(URL, ["https://files.test/"])).decode()

    assert "connect-src 'self' https://weights.test https://files.test;" in allowed
    assert len(allowed) == len(page) + len(" https://weights.test https://files.test")


@pytest.mark.parametrize("url", ["weights", "/weights", "ftp://host/a", "https://", "https://a/?b"])
def test_an_address_that_a_page_cannot_fetch_from_is_refused(url):
    with pytest.raises(UsageError, match=r"--weights-at .*: give the address of a folder"):
        origins_of(url, [])


@pytest.mark.parametrize(
    ("url", "via"), [(URL, "files.test"), (URL, "https://a/b"), (None, "https://a")]
)
def test_redirects_lead_to_origins(url, via):
    with pytest.raises(UsageError, match="--weights-via"):
        origins_of(url, [via])
