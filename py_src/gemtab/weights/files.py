"""An artifact on disk: its manifest, small files and weights, each checked against its hash."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from gemtab.contracts.errors import ArtifactError, UsageError
from gemtab.contracts.manifest import File, Manifest, Source
from gemtab.gpu.device import Device
from gemtab.weights.placing import Target
from gemtab.weights.rows import TablePlane


class FileArtifact:
    """The folder of a built site, or its `model` folder."""

    def __init__(self, folder: Path) -> None:
        model = folder / "model" if (folder / "model").is_dir() else folder
        path = model / "manifest.json"
        if not path.is_file():
            raise UsageError(f"{folder} has no model/manifest.json. Make it with: gemtab build")
        self.folder = model
        self.manifest = Manifest.from_json(path.read_bytes())

    def file(self, name: str) -> bytes:
        """A small file of the artifact: `tokenizer`, `chat_template`, `kernels`."""
        if name not in self.manifest.files:
            raise ArtifactError(f"manifest.json names no {name} file. Build the site again.")
        entry: File = self.manifest.files[name]
        return self._read(Source(entry.url, 0, entry.bytes, entry.sha256))

    def shaders(self) -> dict[str, Any]:
        """Every kernel's WGSL, by kernel name."""
        return dict(json.loads(self.file("kernels")))

    async def upload(self, device: Device, index: int, targets: Sequence[Target]) -> None:
        """Copy what is wanted of a source into its buffers."""
        data = memoryview(self._read(self.manifest.sources[index]))
        for target in targets:
            begin = target.source_offset
            device.write(target.buffer, target.buffer_offset, data[begin : begin + target.bytes])

    async def stage(self, device: Device, planes: Sequence[TablePlane], ids: Sequence[int]) -> None:
        """Copy the rows of these ids into the buffers that take them, unchecked: `verify` checks."""
        for plane in planes:
            rows = bytearray()
            for token_id in ids:
                index, offset = plane.find(token_id)
                source = self.manifest.sources[index]
                with locate(self.folder, source.url).open("rb") as stream:
                    stream.seek(source.offset + offset)
                    rows += stream.read(plane.row_bytes)
            device.write(plane.buffer, 0, bytes(rows) + bytes(-len(rows) % 4))

    def _read(self, source: Source) -> bytes:
        path = locate(self.folder, source.url)
        try:
            with path.open("rb") as stream:
                stream.seek(source.offset)
                data = stream.read(source.bytes)
        except FileNotFoundError:
            raise missing(self.folder, source.url) from None
        if len(data) != source.bytes:
            raise ArtifactError(
                f"{path} ends after {len(data)} of {source.bytes} bytes. Build the site again."
            )
        if hashlib.sha256(data).hexdigest() != source.sha256:
            raise ArtifactError(f"{path} does not match its SHA-256. Build the site again.")
        return data


def locate(folder: Path, url: str) -> Path:
    """Where the file `url` of the artifact in `folder` is on this machine.

    What the page has from another host is looked for, by its name, in the site's weights folder.
    """
    if "://" not in url:
        return folder / url
    site = folder.parent if folder.name == "model" else folder
    return weights_folder(site) / unquote(url.rpartition("/")[2])


def weights_folder(site: Path) -> Path:
    """The folder beside a site that holds, on this machine, what its page has from another host."""
    site = site.resolve()
    return site.with_name(site.name + "-weights")


def missing(folder: Path, url: str) -> ArtifactError:
    """The error for a file of an artifact that is not where it should be."""
    path = locate(folder, url)
    if "://" in url:
        return ArtifactError(
            f"{url} is on another host, from where only a page fetches it. "
            f"To use it here, put that file, or a link to it, at {path}."
        )
    return ArtifactError(f"{path} is missing. Build the site again.")
