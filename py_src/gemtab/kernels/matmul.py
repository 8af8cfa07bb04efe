"""matvec, matfew and matmul: y = x · Wᵀ for one token, for a few, and for more; W in any encoding."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from gemtab.contracts.device_facts import INTEGER_DOT
from gemtab.contracts.errors import ShapeError
from gemtab.contracts.program import Kernel, Slice, Step, float_word
from gemtab.contracts.quantization import BLOCK, VALUE_BITS, packed_fault, packed_form
from gemtab.kernels.ends import MATRICES, NO_ROW, PLAIN_SINK, PLAIN_SOURCE, Grids, Sink, Source
from gemtab.kernels.integers import by_integers, fits_workgroup, input_grids
from gemtab.kernels.tuning import BY_CHUNK, BY_TOKEN, USUAL, Params, Tuning
from gemtab.kernels.variant import PLAIN, Variant, fold

TILE_TOKENS, TILE_ROWS = USUAL.tile_tokens, USUAL.tile_rows  # matmul's tile at its largest
COLUMNS = 8  # the most tokens of a workgroup of matfew
FEW = 32  # the most tokens of matfew
# of the shape record
N_OUT_WORD, W_ROW_WORD, FIRST_WORD, NORM_WORD, POST_NORM_WORD, SECOND_ROW_WORD = 1, 2, 3, 6, 7, 11
THIRD_ROW_WORD, SINK_WORD = 15, 19
INTEGER_TEMPLATES = ("matvec_i8", "matmul_i8")
MATRIX_TEMPLATES = ("matvec", "matfew", "matmul", *INTEGER_TEMPLATES)


def weight_form(encoding: str, n_in: int) -> str:
    """The snippet that decodes an encoding: one for a packed form, however many scales a row has.

    Rows that are not whole blocks take a slower form.
    """
    packed = packed_form(encoding)
    return f"weights_{packed[0] if packed else encoding}{'_any' if n_in % BLOCK else ''}"


def weight_snippets(encoding: str) -> tuple[str, ...]:
    """The snippets with forms by device that an encoding needs."""
    return ("half",) if encoding in ("f16", "q8", "q4") else ()


def weight_bindings(encoding: str) -> tuple[str, ...]:
    """The storage slots that an encoded matrix takes: its planes."""
    return ("values",) if encoding in VALUE_BITS else ("codes", "scales")


def shares_dispatch(first_rows: Iterable[int], tokens: int, sink: Sink) -> bool:
    """Whether matrices with grids of their own that begin at these rows take one dispatch.

    What multiplies with one input must be of one matrix: a quad of rows, or for many tokens a tile. A
    gate's quads are apart from those of what it gates in any case.
    """
    step = TILE_ROWS if tokens > FEW else 4
    return sink.kind == "gated" or all(row % step == 0 for row in first_rows)


def tuned_forms(kernel: Kernel) -> Iterator[Kernel]:
    """A kernel of this module's in the sizes of each tuning but the usual; none of any other kernel."""
    sizes: Iterable[Params] = ()
    if kernel.template in ("matvec", "matfew"):
        sizes = (tuning.rows for tuning in BY_TOKEN)
    if kernel.template == "matmul":
        sizes = (tuning.tile for tuning in BY_CHUNK)
    yield from (replace(kernel, params=(*own, *kernel.params)) for own in sizes if own)


@dataclass(frozen=True)
class Matmul:
    """x [tokens, n_in] f32, W [w_row + rows, n_in] encoded -> y [tokens, stride] f32 from column `first`.

    A stride of 0 stands for as many columns as are needed.
    One token takes the mat-vec template, which alone knows sources and sinks; a few take one that is
    like it, more the tiled one. Where the variant asks for it, those for one and for many multiply int8 codes.
    With a packed W, x and y are rounded to the int8 grids of `srq`, which holds those of each matrix
    that W joins. Slices: x, y, the matrix's planes; for more tokens then state; for one, where there is a
    source or a sink, those of the source and the per-layer inputs, any buffer where the sink has no use for them.
    """

    encoding: str
    n_in: int
    n_out: int
    first: int = 0
    stride: int = 0
    w_row: int = 0
    variant: Variant = PLAIN
    srq: tuple[Grids, ...] = ()
    source: Source = PLAIN_SOURCE
    sink: Sink = PLAIN_SINK
    shape: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        fault = self._fault()
        if fault:
            raise ShapeError(f"{fault}.")
        object.__setattr__(self, "stride", self.stride or self.first + self.n_out)
        source, sink = self.source, self.sink
        grids = (*self.srq, *[Grids(0, 0, NO_ROW)] * MATRICES)[:MATRICES]
        words = (
            self.n_in, self.n_out, self.w_row, self.first, self.stride,
            float_word(source.eps), *source.words(),
            sink.first_input, float_word(sink.cap),
            grids[1].first_row, *(float_word(one.input) for one in grids),
            grids[2].first_row, *(float_word(one.output) for one in grids),
            sink.word,
        )  # fmt: skip
        object.__setattr__(self, "shape", words)

    def _fault(self) -> str | None:
        """Why there is no such kernel; None where there is."""
        packed = packed_form(self.encoding)
        if packed and packed[1] != 1:
            return f"a packed matrix has one scale a row, this one is {self.encoding}"
        if self.srq and not packed:
            return f"SRQ goes with packed weights, not with {self.encoding}"
        if len(self.srq) > MATRICES:
            return f"at most {MATRICES} matrices are joined, got {len(self.srq)}"
        if self.source.kind != "plain" and self.n_in % BLOCK:
            return (
                f"only rows of whole blocks of {BLOCK} are normed on the way, got n_in={self.n_in}"
            )
        end = self.first + self.n_out
        if self.stride and self.stride < end:
            return f"rows go to columns {self.first} to {end} of y, which has {self.stride}"
        return packed_fault(self.encoding, self.n_in) if packed else self._width_fault()

    def _width_fault(self) -> str | None:
        if self.encoding in ("q8", "q4") and self.n_in % BLOCK:
            return (
                f"{self.encoding} takes rows of whole blocks of {BLOCK}, got n_in={self.n_in}: "
                f"keep such a tensor in f16"
            )
        if self.encoding in ("f16", "bf16") and self.n_in % 2:
            return f"{self.encoding} takes an even n_in, got {self.n_in}: keep such a tensor in f32"
        return None

    def kernel(self, tokens: int) -> Kernel:
        """The shader for one token or for many."""
        if tokens > 1 and self._has_ends:
            raise ShapeError("sources and sinks are for one token.")
        template, source = self.template(tokens), self.source
        snippets = weight_snippets(self.encoding)
        if source.kind == "stream":
            snippets += ("reduce_sum",)
        tuning, features = self._tuning(template), self.variant.features(*snippets)
        params = (
            *(tuning.tile if template == "matmul" else tuning.rows),
            *source.params(self.n_in),
        )
        if template in INTEGER_TEMPLATES:
            features = tuple(sorted((*features, INTEGER_DOT)))
        if template == "matvec_i8":
            params += (("WIDTH", self.n_in), ("GRIDS", input_grids(self.srq, self.sink)))
        matrix = ("x", "*y", *weight_bindings(self.encoding))
        inputs = ("inputs",) if self._has_sinks else ()
        own = (*source.bindings(), *inputs) if tokens == 1 else ("state",)
        includes = (*self._includes(tokens, template), *self.variant.includes(*snippets))
        return Kernel(template, params, includes, (*matrix, *own), features)

    def _includes(self, tokens: int, template: str) -> tuple[tuple[str, str], ...]:
        weights = weight_form(self.encoding, self.n_in)
        includes = [("weights", f"{weights}_i8" if template in INTEGER_TEMPLATES else weights)]
        if self.n_in % BLOCK:
            includes.append(("x", "x_any"))
        if packed_form(self.encoding):
            includes += [("input", "input_srq"), ("output", "output_srq")]
        if template == "matfew":
            includes.append(("columns", f"columns_{_columns(tokens)}"))
        includes += self.source.includes()
        if (
            self._has_sinks
        ):  # one text for all sinks: a page's start waits for each that is compiled
            includes.append(("sink", "sink_any"))
        return tuple(includes)

    @property
    def _has_ends(self) -> bool:
        return (self.source, self.sink) != (PLAIN_SOURCE, PLAIN_SINK)

    @property
    def _has_sinks(self) -> bool:
        return self.source.kind == "stream" or self.sink != PLAIN_SINK

    def _tuning(self, template: str) -> Tuning:
        """The sizes of a template's workgroups and tiles: those for integers have one."""
        return USUAL if template in INTEGER_TEMPLATES else self._own(template == "matmul").tuning

    def _own(self, tiled: bool) -> Variant:
        """The variant as it is for this matrix's class of shapes."""
        tuning = self.variant.tuning
        return self.variant.sized(tuning.of_tile(self.n_out) if tiled else tuning.of_row(self.n_in))

    def template(self, tokens: int) -> str:
        """The template for so many tokens."""
        integers = by_integers(self.encoding, self.n_in, self.srq)
        own = self._own(tokens > FEW)
        if tokens > FEW:
            return "matmul_i8" if own.integer_tiles and integers else "matmul"
        if tokens > 1:
            return "matfew"
        rows = USUAL.quads * self.sink.outputs
        fits = integers and fits_workgroup(self.n_in, self.srq, self.source, self.sink, rows)
        return "matvec_i8" if own.integer_dot and fits else "matvec"

    def step(self, tokens: int, label: str, slices: tuple[Slice, ...]) -> Step:
        """The dispatch."""
        if not shares_dispatch((one.first_row for one in self.srq), tokens, self.sink):
            raise ShapeError(f"the grids of {self.srq} change within what has one input.")
        tuning = self._tuning(self.template(tokens))
        grid = fold(-(-self.n_out // (tuning.quads * self.sink.outputs)))
        if tokens > 1:
            grid = (-(-tokens // _columns(tokens)), *grid[:2])
        if tokens > FEW:
            grid = (-(-self.n_out // tuning.tile_rows), -(-tokens // tuning.tile_tokens), 1)
        return Step(self.kernel(tokens), slices, self.shape, grid, label)


def _columns(tokens: int) -> int:
    """Tokens of a workgroup of matfew: a power of two."""
    return min(COLUMNS, 1 << (tokens - 1).bit_length())
