"""A bar on stderr for work that takes long; silent where stderr is no terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

Report = Callable[[str, int, int], None]  # what, done, total


@contextmanager
def bar(label: str) -> Iterator[Report]:
    """A function (what, done, total) that moves the bar while the block runs."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"),
        TimeRemainingColumn(), TextColumn("{task.fields[what]}"),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as p:
        task = p.add_task(label, total=None, what="")
        yield lambda what, done, total: p.update(task, completed=done, total=total, what=what)
