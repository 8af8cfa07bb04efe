"""Weights on another host: the site's manifest names them there, and shards of ours lie beside the site."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from gemtab.contracts.errors import UsageError
from gemtab.contracts.manifest import Manifest


def origins_of(url: str | None, via: Sequence[str]) -> list[str]:
    """The origins of `--weights-at` and `--weights-via`; UsageError unless a page can fetch from there."""
    if url is None:
        if via:
            raise UsageError("--weights-via goes with --weights-at, whose redirects it names.")
        return []
    origin, path = _split(url)
    if path is None:
        raise UsageError(
            f"--weights-at {url}: give the address of a folder, such as https://host/e2b/, "
            f"or of a .safetensors file."
        )
    for one in via:
        if _split(one)[1] not in ("", "/"):
            raise UsageError(f"--weights-via {one}: give an origin, such as https://files.host.")
    return [origin, *(_split(one)[0] for one in via)]


def _split(url: str) -> tuple[str, str | None]:
    """Origin and path of an address; no path where a page cannot fetch from it."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        return "", None
    return f"{parts.scheme}://{parts.netloc}", parts.path


def check_folder(url: str) -> None:
    """UsageError for the address of a file, where shards of ours are to go to a folder."""
    if url.endswith(".safetensors"):
        raise UsageError(
            f"--weights-at {url} names a file, but only the file of a packed checkpoint can stay where "
            f"it is. Give the address of the folder that the shards will be in."
        )


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
