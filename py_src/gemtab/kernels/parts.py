"""A dispatch in parts: the same kernel over the same buffers, with shape words and a grid for some of its work.

For what takes longer than one submit should. The numbers are the same, bit for bit: a part does whole
workgroups of the dispatch, each as it would have been.
"""

from collections.abc import Iterator

from gemtab.contracts.program import Part, Step
from gemtab.kernels.ends import NO_ROW, SINKS
from gemtab.kernels.matmul import (
    FIRST_WORD,
    MATRIX_TEMPLATES,
    N_OUT_WORD,
    SECOND_ROW_WORD,
    SINK_WORD,
    THIRD_ROW_WORD,
    W_ROW_WORD,
)
from gemtab.kernels.tuning import USUAL
from gemtab.kernels.variant import fold

Grid = tuple[int, int, int]


def parts_of(number: int, step: Step, wanted: int) -> list[Part]:
    """Up to so many parts of a program's step, of about the same work; none where it cannot be parted."""
    if step.kernel.template not in MATRIX_TEMPLATES or SINKS[step.shape[SINK_WORD]] == "gated":
        return []  # a gate's rows lie apart from those that it gates
    rows = _rows_of_a_group(step)
    groups = -(-step.shape[N_OUT_WORD] // rows)
    if min(wanted, groups) < 2:
        return []
    return [
        _rows(number, step, first * rows, last * rows) for first, last in shares(groups, wanted)
    ]


def shares(units: int, wanted: int) -> Iterator[tuple[int, int]]:
    """From and to of each of up to `wanted` parts of so many units: none empty, none larger by more than one."""
    count = min(units, wanted)
    for share in range(count):
        yield share * units // count, (share + 1) * units // count


def _rows_of_a_group(step: Step) -> int:
    """Rows of the matrix that a workgroup makes."""
    params = dict(step.kernel.params)
    if step.kernel.template.startswith("matmul"):
        return int(params.get("ROWS", USUAL.tile_rows))
    return 4 * int(params.get("LANES", USUAL.lanes)) // int(params.get("PART", USUAL.part))


def _rows(number: int, step: Step, first: int, last: int) -> Part:
    """The rows from the first to the one before the last: W, y and the matrices' grids begin there."""
    words = list(step.shape)
    last = min(last, words[N_OUT_WORD])
    words[N_OUT_WORD] = last - first
    words[W_ROW_WORD] += first
    words[FIRST_WORD] += first
    for word in (SECOND_ROW_WORD, THIRD_ROW_WORD):
        if words[word] != NO_ROW:
            words[word] = max(0, words[word] - first)
    groups = -(-(last - first) // _rows_of_a_group(step))
    return Part(number, tuple(words), _grid(step, groups))


def _grid(step: Step, groups: int) -> Grid:
    """The step's grid with so many groups of rows."""
    if step.kernel.template.startswith("matmul"):
        return (groups, *step.grid[1:])
    if step.kernel.template == "matfew":
        return (step.grid[0], *fold(groups)[:2])
    return fold(groups)
