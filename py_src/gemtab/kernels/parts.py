"""A dispatch in parts: the same kernel over the same buffers, with shape words and a grid for some of its work.

For what takes longer than one submit should. The numbers are the same, bit for bit: a part does whole
workgroups of the dispatch, each as it would have been, or goes on from the sums that one before it left.
"""

from collections.abc import Iterator

from gemtab.contracts.program import Part, Step
from gemtab.kernels.attend_chunk import KEYS
from gemtab.kernels.ends import NO_ROW, SINKS
from gemtab.kernels.heads import (
    ALL_KEYS,
    END_KEY_WORD,
    FIRST_GROUP_WORD,
    FIRST_KEY_WORD,
    FIRST_SPLIT_WORD,
    NO_WINDOW,
    WINDOW_WORD,
)
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


def parts_of(number: int, step: Step, wanted: int, keys: int) -> list[Part]:
    """Up to so many parts of a program's step, of about the same work; none where it cannot be parted.

    `keys` are the most that any of its tokens sees.
    """
    if wanted < 2:
        return []
    if step.kernel.template == "attend":
        return _groups(number, step, wanted)
    if step.kernel.template == "attend_chunk":
        by_keys = step.shape[WINDOW_WORD] == NO_WINDOW
        return _keys(number, step, wanted, keys) if by_keys else _groups(number, step, wanted)
    if step.kernel.template not in MATRIX_TEMPLATES or SINKS[step.shape[SINK_WORD]] == "gated":
        return []  # a gate's rows lie apart from those that it gates
    rows = _rows_of_a_group(step)
    groups = -(-step.shape[N_OUT_WORD] // rows)
    if groups < 2:
        return []
    return [
        _rows(number, step, first * rows, last * rows) for first, last in shares(groups, wanted)
    ]


def shares(units: int, wanted: int) -> Iterator[tuple[int, int]]:
    """From and to of each of up to `wanted` parts of so many units: none empty, none larger by more than one."""
    count = min(units, wanted)
    for share in range(count):
        yield share * units // count, (share + 1) * units // count


def _groups(number: int, step: Step, wanted: int) -> list[Part]:
    """Attention by splits of the keys where there are some, else by tokens; a chunk's by tiles of them."""
    axis = 0 if step.kernel.template == "attend_chunk" else 1
    word = FIRST_GROUP_WORD
    if step.kernel.template == "attend" and step.grid[2] > 1:
        axis, word = 2, FIRST_SPLIT_WORD
    found = []
    for first, last in shares(step.grid[axis], wanted):
        words, grid = list(step.shape), list(step.grid)
        words[word], grid[axis] = first, last - first
        found.append(Part(number, tuple(words), (grid[0], grid[1], grid[2])))
    return found if len(found) > 1 else []


def _keys(number: int, step: Step, wanted: int, keys: int) -> list[Part]:
    """A chunk's attention by ranges of keys, all of its tiles in each: they are few, and a GPU wants many."""
    found = []
    blocks = -(-keys // KEYS)
    for first, last in shares(blocks, wanted):
        words = list(step.shape)
        words[FIRST_KEY_WORD] = first * KEYS
        words[END_KEY_WORD] = ALL_KEYS if last == blocks else last * KEYS
        found.append(Part(number, tuple(words), step.grid))
    return found if len(found) > 1 else []


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
