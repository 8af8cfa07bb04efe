"""Sizes that suit one device or another: the same numbers come of all of them, sooner or later."""

from dataclasses import dataclass

from gemtab.contracts.speed import UNKNOWN, Speed

Params = tuple[tuple[str, int], ...]
WIDE = 4096  # values of a row from which on more lanes may share it
MANY = 4096  # rows from which on a chunk's tiles are enough for a large device


@dataclass(frozen=True)
class Tuning:
    """Lanes in a workgroup of matvec and matfew, those of them that share four rows, and matmul's tile.

    A lane of matmul makes `lane_tokens` tokens by 8 rows: 8, or 4 for GPUs that would spill 64 sums.

    Two times `part` divides `lanes`: a gate's rows and those that it gates share a workgroup. `integer_rows`
    and `integer_tiles`: whether packed weights of one token, and of a chunk, are multiplied as int8 codes.
    `wide` and `few` are other sizes for matrices with wide rows, of one token, and with few rows, of a chunk.
    """

    lanes: int = 64
    part: int = 8
    tile_tokens: int = 64
    tile_rows: int = 64
    lane_tokens: int = 8
    integer_rows: bool = True
    integer_tiles: bool = False
    wide: "Tuning | None" = None
    few: "Tuning | None" = None

    def of_row(self, n_in: int) -> "Tuning":
        """That of one token and of a few, by a matrix whose rows have so many values."""
        return self.wide or self if n_in >= WIDE else self

    def of_tile(self, n_out: int) -> "Tuning":
        """That of a chunk by a matrix of so many rows."""
        return self.few or self if n_out < MANY else self

    @property
    def quads(self) -> int:
        """Fours of rows in a workgroup of matvec and matfew."""
        return self.lanes // self.part

    @property
    def rows(self) -> Params:
        """The template's parameters of matvec and matfew, where they are not its own."""
        return self._changed(LANES="lanes", PART="part")

    @property
    def tile(self) -> Params:
        """The template's parameters of matmul, where they are not its own."""
        return self._changed(TOKENS="tile_tokens", ROWS="tile_rows", LANE_TOKENS="lane_tokens")

    def _changed(self, **names: str) -> Params:
        pairs = ((param, getattr(self, name)) for param, name in names.items())
        found = tuple(pairs)
        own = tuple((param, getattr(USUAL, name)) for param, name in names.items())
        return () if found == own else found

    def __str__(self) -> str:
        """For people."""
        return (
            f"{self.lanes} lanes, {self.part} a row; "
            f"tiles of {self.tile_tokens} tokens by {self.tile_rows} rows"
            f"{'' if self.lane_tokens == 8 else f', {self.lane_tokens} tokens a lane'}"
            f"{'' if self.integer_rows else ', no integer rows'}"
            f"{', integer tiles' if self.integer_tiles else ''}"
            f"{f'; wide rows ({self.wide})' if self.wide else ''}"
            f"{f'; few rows ({self.few})' if self.few else ''}"
        )


USUAL = Tuning()


@dataclass(frozen=True)
class Tuned:
    """The tuning that suits a device best, and the speed of its matrices with it."""

    tuning: Tuning = USUAL
    speed: Speed = UNKNOWN


# more lanes a row make more workgroups, for devices that have many to fill
BY_TOKEN = (USUAL, Tuning(integer_rows=False), Tuning(part=16), Tuning(part=32))
# smaller tiles make more workgroups too, and leave room for others beside them; fewer sums a lane spill less
BY_CHUNK = (
    USUAL,
    Tuning(integer_tiles=True),
    Tuning(tile_tokens=32),
    Tuning(tile_rows=32),
    Tuning(lane_tokens=4),
)
