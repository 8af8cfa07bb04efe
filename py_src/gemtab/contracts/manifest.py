"""`manifest.json`: what an artifact is made of. One dataclass reads and writes it.

A source is a range of bytes of a file (a shard of ours, or someone else's), with its own SHA-256. A
tensor's plane lies in pieces: byte ranges of sources, whole rows each, in row order.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from gemtab.contracts.errors import ArtifactError
from gemtab.contracts.model_config import ModelConfig
from gemtab.contracts.names import tensor_shapes
from gemtab.contracts.needs import Needs
from gemtab.contracts.plain import from_plain
from gemtab.contracts.quantization import is_encoding

FORMAT = 1
MAX_SOURCE_BYTES = 64 << 20  # WebCrypto hashes a whole buffer at once


@dataclass(frozen=True)
class Source:
    """`bytes` bytes at `offset` of the file at `url` (absolute, or relative to the manifest), and their hash."""

    url: str
    offset: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Piece:
    """`rows` rows of one plane from `row` on: `bytes` bytes at `offset` of source number `source`."""

    plane: str
    row: int
    rows: int
    source: int
    offset: int
    bytes: int


@dataclass(frozen=True)
class Tensor:
    """A tensor of the artifact: its shape, its encoding, where its planes lie.

    `srq` holds the steps of the int8 grids that a packed linear's input and output are rounded to
    (static range quantization); 0 leaves that side as it is, None both.
    """

    shape: tuple[int, ...]
    encoding: str
    pieces: tuple[Piece, ...]
    srq: tuple[float, float] | None = None


@dataclass(frozen=True)
class Generation:
    """Defaults from `generation_config.json`, with every id that ends a reply."""

    stop_ids: tuple[int, ...]
    temperature: float = 1.0
    top_k: int = 64
    top_p: float = 0.95


@dataclass(frozen=True)
class File:
    """A small file of the artifact beside the weights: url relative to the manifest, and its hash."""

    url: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """All of an artifact. `files` holds `tokenizer`, `chat_template` and `kernels`.

    `needs` is for a page to judge a device by; older artifacts have none.
    """

    model: str
    weights: str
    config: ModelConfig
    generation: Generation
    special_tokens: Mapping[str, str]
    sources: tuple[Source, ...]
    tensors: Mapping[str, Tensor]
    files: Mapping[str, File]
    notes: tuple[str, ...] = ()
    needs: Needs | None = None
    format: int = field(default=FORMAT)

    def to_json(self) -> str:
        """The text of manifest.json."""
        return json.dumps(asdict(self), separators=(",", ":"), sort_keys=True)

    @classmethod
    def from_json(cls, text: str | bytes) -> "Manifest":
        """Read manifest.json; ArtifactError when it is damaged or newer than this engine."""
        try:
            data = json.loads(text)
            if data["format"] > FORMAT:
                raise ArtifactError(
                    f"manifest.json has format {data['format']}, this engine reads up to {FORMAT}. Update Gemtab."
                )
            manifest: Manifest = from_plain(cls, data)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ArtifactError(
                f"manifest.json is damaged ({error}). Build the site again."
            ) from error
        _check_tensors(manifest)
        return manifest


def _check_tensors(manifest: Manifest) -> None:
    """ArtifactError unless the tensors are those that the config calls for."""
    shapes = tensor_shapes(manifest.config)
    differing = sorted(shapes.keys() ^ manifest.tensors.keys())
    if differing:
        raise ArtifactError(
            f"manifest.json and its config differ over {', '.join(differing[:3])}. Build it again."
        )
    for name, tensor in manifest.tensors.items():
        if tensor.shape != shapes[name]:
            raise ArtifactError(
                f"{name} has the shape {list(tensor.shape)} in manifest.json, "
                f"its config calls for {list(shapes[name])}. Build it again."
            )
        if not is_encoding(tensor.encoding):
            raise ArtifactError(f"{name} has an unknown encoding {tensor.encoding}. Update Gemtab.")
