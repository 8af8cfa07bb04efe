"""The steps of one pass as they are added, with the buffers that they bind."""

from collections.abc import Sequence

from gemtab.contracts.placement import row_buffer, rows_and_width
from gemtab.contracts.program import Program, Slice, Step
from gemtab.contracts.quantization import planes
from gemtab.kernels.embed import Embed
from gemtab.kernels.ends import PLAIN_SINK, PLAIN_SOURCE, Grids, Sink, Source
from gemtab.kernels.matmul import Matmul, shares_dispatch
from gemtab.plan.model import Model


class PassPlan:
    """Collects the steps of a pass over at most `tokens` tokens; knows every buffer's size."""

    def __init__(self, model: Model, name: str, tokens: int, scored: bool = False) -> None:
        self.model = model
        self.name = name
        self.tokens = tokens
        self.steps: list[Step] = []
        settings = model.settings
        scratch = settings.scratch_buffers(tokens, scored)
        self.buffers = (
            *settings.state_buffers(), *settings.cache_buffers(), *model.row_buffers(), *scratch
        )  # fmt: skip
        self._sizes = {buffer.name: buffer.bytes for buffer in self.buffers}
        self._sizes |= {buffer.name: buffer.bytes for buffer in model.weight_buffers()}

    def slices(self, *parts: str | Slice) -> tuple[Slice, ...]:
        """Parts of buffers as they are, whole buffers by name."""
        return tuple(
            part if isinstance(part, Slice) else Slice(part, 0, self._sizes[part]) for part in parts
        )

    def add(self, step: Step) -> None:
        """Append a step."""
        self.steps.append(step)

    def matmul(
        self,
        tensors: str | tuple[str, ...],
        x: str,
        y: str,
        rows: int | None = None,
        source: Source = PLAIN_SOURCE,
        sink: Sink = PLAIN_SINK,
        extra: tuple[str, ...] = (),
        first: int = 0,
        stride: int | None = None,
    ) -> None:
        """y = x · Wᵀ: the tensors' rows, one after the other, are y's columns from `first` on.

        A step for each buffer that holds a part of W; only the first `rows` rows of a single tensor
        where given. `extra` are the buffers that source and sink bind.
        """
        names = (tensors,) if isinstance(tensors, str) else tensors
        widths = [self.model.tensors[name].shape[0] for name in names]
        total = sum(widths) if stride is None else stride
        grids = self._grids(names)
        if len(names) > 1 and self._take_one_step(names, grids, sink):
            count = sum(widths) // 2 if sink.kind == "gated" else sum(widths)
            place = (0, count, first, total)
            self._matmul_step(names[0], f"{names[0]}+", x, y, place, grids, source, sink, extra)
            return
        for name, width in zip(names, widths, strict=True):
            done = 0
            for part in self.model.parts[name]:
                wanted = min(part.rows, (width if rows is None else rows) - done)
                if wanted <= 0:
                    break
                row = self._first_row(name) if len(self.model.parts[name]) == 1 else 0
                place = (row, wanted, first + done, total)
                own = self._grids((name,))
                self._matmul_step(name, name, x, y, place, own, source, sink, extra, done)
                done += part.rows
            first += width

    def _take_one_step(self, names: Sequence[str], grids: Sequence[Grids], sink: Sink) -> bool:
        first_rows = [one.first_row for one in grids]
        return self.model.joined(names) and shares_dispatch(first_rows, self.tokens, sink)

    def _grids(self, names: Sequence[str]) -> tuple[Grids, ...]:
        """Of matrices that lie one after the other; empty where none has any."""
        grids: list[Grids] = []
        row = 0
        for name in names:
            tensor = self.model.tensors[name]
            grids.append(Grids(*(tensor.srq or (0.0, 0.0)), row))
            row += tensor.shape[0]
        return tuple(grids) if any(self.model.tensors[name].srq for name in names) else ()

    def _first_row(self, name: str) -> int:
        """The row of its buffer at which a tensor begins."""
        tensor = self.model.tensors[name]
        plane, where = self.model.parts[name][0].buffers[0]
        bits = {one.name: one.bits_per_row for one in planes(tensor.encoding, tensor.shape[1])}
        return where.offset * 8 // bits[plane]

    def _matmul_step(
        self,
        name: str,
        label: str,
        x: str,
        y: str,
        place: tuple[int, int, int, int],
        grids: tuple[Grids, ...],
        source: Source,
        sink: Sink,
        extra: tuple[str, ...],
        part_row: int = 0,
    ) -> None:
        tensor = self.model.tensors[name]
        w_row, count, first, stride = place
        _, n_in = rows_and_width(tensor.shape)
        part = next(one for one in self.model.parts[name] if one.first_row == part_row)
        kernel = Matmul(
            tensor.encoding, n_in, count, first, stride, w_row, self.model.settings.variant,
            grids, source, sink,
        )  # fmt: skip
        matrix = [where.buffer for _, where in part.buffers]
        last = extra if self.tokens == 1 else ("state",)
        self.add(kernel.step(self.tokens, label, self.slices(x, y, *matrix, *last)))

    def embed(self, tensor: str, y: str, scale: float) -> None:
        """y = rows of the table for `ids`, times `scale`, a step for each part of the table.

        Of a table that is not on the GPU, row t for token t lies ready: `row.ids` is 0, 1, 2, ….
        """
        stored = self.model.tensors[tensor]
        _, n_in = rows_and_width(stored.shape)
        variant, chunk = self.model.settings.variant, self.model.settings.chunk
        if tensor not in self.model.parts:
            kernel = Embed(stored.encoding, n_in, chunk, 0, scale, variant)
            rows = [row_buffer(tensor, plane.name) for plane in planes(stored.encoding, n_in)]
            buffers = self.slices("row.ids", y, "state", *rows)
            self.add(kernel.step(self.tokens, tensor, buffers))
            return
        for part in self.model.parts[tensor]:
            kernel = Embed(stored.encoding, n_in, part.rows, part.first_row, scale, variant)
            table = [where.buffer for _, where in part.buffers]
            self.add(kernel.step(self.tokens, tensor, self.slices("ids", y, "state", *table)))

    def program(self) -> Program:
        """What was added, frozen."""
        return Program(self.name, self.tokens, self.buffers, tuple(self.steps))
