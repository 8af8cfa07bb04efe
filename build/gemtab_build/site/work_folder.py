"""A hidden folder beside what is being made: all is written there, and moved when it is whole.

Its name follows from the result's, so that the next run finds what a killed one left and removes it.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from gemtab.contracts.errors import UsageError

LOCK = "lock"


@contextmanager
def work_folder(out: Path) -> Iterator[Path]:
    """A folder `.NAME.gemtab/new` beside OUT, empty; gone when the block ends, however it ends.

    Folders on the way to OUT are made, and removed again if they stay empty. UsageError while another
    run writes the same OUT.
    """
    out = out.absolute()
    missing = [folder for folder in out.parents if not folder.exists()]
    work = out.with_name(f".{out.name}.gemtab")
    try:
        work.mkdir(parents=True, exist_ok=True)
        with (work / LOCK).open("wb") as lock:
            if not _is_ours(lock, work / LOCK):
                raise UsageError(f"Another gemtab is writing {out}. Wait until it ends.")
            try:
                shutil.rmtree(work / "new", ignore_errors=True)
                (work / "new").mkdir()
                yield work / "new"
            except OSError as error:
                if error.filename:
                    raise
                raise UsageError(f"{out} cannot be written: {error.strerror}.") from error
            finally:
                shutil.rmtree(work, ignore_errors=True)
        if sys.platform == "win32":  # which does not remove an open file
            shutil.rmtree(work, ignore_errors=True)
    finally:
        for folder in missing:  # the innermost first
            with suppress(OSError):
                folder.rmdir()


def _is_ours(lock: BinaryIO, path: Path) -> bool:
    """Take the lock if nobody holds it. The system lets go of it when its holder dies."""
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(lock.fileno()), path.stat())
    except (BlockingIOError, FileNotFoundError):  # held, or removed by a run that just ended
        return False
