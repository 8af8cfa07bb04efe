"""`manifest.json`: what an artifact is made of. One dataclass reads and writes it.

A source is a range of bytes of a file (a shard of ours, or someone else's), with its own SHA-256. A
tensor's plane lies in pieces: byte ranges of sources, whole rows each, in row order.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from gemtab.contracts.errors import ArtifactError
from gemtab.contracts.model_config import ModelConfig

FORMAT = 1
MAX_SOURCE_BYTES = 64 << 20  # WebCrypto hashes a whole buffer at once


@dataclass(frozen=True)
class Source:
    """`bytes` bytes at `offset` of the file at `url` (relative to the manifest), and their hash."""

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
    """All of an artifact. `files` holds `tokenizer`, `chat_template` and `kernels`."""

    model: str
    weights: str
    config: ModelConfig
    generation: Generation
    special_tokens: Mapping[str, str]
    sources: tuple[Source, ...]
    tensors: Mapping[str, Tensor]
    files: Mapping[str, File]
    notes: tuple[str, ...] = ()
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
            return cls(**{**data, **_parts(data)})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ArtifactError(
                f"manifest.json is damaged ({error!r}). Build the site again."
            ) from error


def _parts(data: Mapping[str, Any]) -> dict[str, Any]:
    """The nested dataclasses of a manifest, from plain data."""
    generation = dict(data["generation"], stop_ids=tuple(data["generation"]["stop_ids"]))
    return {
        "config": ModelConfig.from_json(data["config"]),
        "generation": Generation(**generation),
        "sources": tuple(Source(**source) for source in data["sources"]),
        "tensors": {name: _tensor(tensor) for name, tensor in data["tensors"].items()},
        "files": {name: File(**file) for name, file in data["files"].items()},
        "notes": tuple(data["notes"]),
    }


def _tensor(data: Mapping[str, Any]) -> Tensor:
    srq = data.get("srq")
    pieces = tuple(Piece(**piece) for piece in data["pieces"])
    return Tensor(
        tuple(data["shape"]),
        data["encoding"],
        pieces,
        (float(srq[0]), float(srq[1])) if srq else None,
    )
