"""Where products of int8 codes can take the place of float ones, with the same results: matvec_i8, matmul_i8."""

from collections.abc import Sequence

from gemtab.contracts.quantization import BLOCK, packed_form
from gemtab.kernels.ends import Grids, Sink, Source

WORKGROUP_BYTES = 16384  # that every device has
OTHER_BYTES = 64 * 16 + 64 * 4  # of a mat-vec's workgroup: its sums, and those of a norm
WIDEST = 1 << 16  # rows of int8 codes whose sums fit an i32, with codes that are 64 times too large


def by_integers(encoding: str, n_in: int, srq: Sequence[Grids]) -> bool:
    """Whether all that the weights are multiplied with is on int8 grids, and sums fit."""
    whole = packed_form(encoding) is not None and n_in % BLOCK == 0 and n_in <= WIDEST
    return whole and len(srq) > 0 and all(one.input for one in srq)


def input_grids(srq: Sequence[Grids], sink: Sink) -> int:
    """Grids on which a workgroup of a mat-vec has x: two where a gate's is not that of what it gates."""
    return 2 if sink.kind == "gated" and srq[0].input != srq[1].input else 1


def fits_workgroup(n_in: int, srq: Sequence[Grids], source: Source, sink: Sink, rows: int) -> bool:
    """Whether a mat-vec's workgroup of `rows` rows can hold x's codes, and has them on so few grids."""
    staged = source.workgroup_bytes(n_in)
    codes = input_grids(srq, sink) * n_in
    alike = len({one.input for one in srq}) == 1 or sink.kind == "gated"
    apart = all(one.first_row % rows == 0 for one in srq)
    return codes + staged + OTHER_BYTES <= WORKGROUP_BYTES and (alike or apart)
