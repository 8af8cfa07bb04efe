"""Weights on another host: the site's manifest names them there, and their shards lie beside the site."""

import shutil
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from gemtab.contracts.errors import UsageError
from gemtab.contracts.manifest import Manifest


def origin_of(url: str) -> str:
    """The origin of `--weights-at`; UsageError unless it is an address that a page can fetch from."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise UsageError(f"--weights-at {url}: give a folder's address, such as https://host/e2b/.")
    return f"{parts.scheme}://{parts.netloc}"


def weights_folder(out: Path) -> Path:
    """Where the shards of the site OUT go, to be uploaded from there."""
    return out.with_name(out.name + "-weights")


def move_weights(manifest: Manifest, place: Path, url: str, shards: Path) -> Manifest:
    """Move the shards of the new artifact PLACE to the folder `shards`, and name them under `url`."""
    base = url.rstrip("/") + "/"
    shards.mkdir(parents=True, exist_ok=True)
    for name in {source.url for source in manifest.sources}:
        shutil.move(place / name, shards / name)
    sources = tuple(replace(source, url=base + source.url) for source in manifest.sources)
    moved = replace(manifest, sources=sources)
    (place / "manifest.json").write_text(moved.to_json(), encoding="utf-8")
    return moved
