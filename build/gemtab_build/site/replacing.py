"""A new site in place of an old one: whole or not at all, and never over files of someone else's.

An old site stays usable while it is replaced: weights and shaders have names of their own content, so
the new ones lie beside the old until the manifest, moved last, names them.
"""

import filecmp
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gemtab.contracts.errors import UsageError
from gemtab_build.site.compress import SUFFIX
from gemtab_build.site.work_folder import work_folder

MODEL = "model"  # all of this folder is ours
MANIFEST = f"{MODEL}/manifest.json"
LISTING = "site.json"  # names the files beside it that are ours


@contextmanager
def replacing(out: Path) -> Iterator[Path]:
    """A new folder that becomes OUT when the block ends well; nothing is left when it does not."""
    model = out / MODEL
    if (out.exists() and not out.is_dir()) or (model.exists() and not (out / MANIFEST).is_file()):
        place = model if out.is_dir() else out
        raise UsageError(
            f"{place} is in the way and is no artifact of Gemtab. Choose another --out."
        )
    with work_folder(out) as new:
        yield new
        if out.exists():
            _move_in(new, out)
        else:
            new.replace(out)


def write_listing(folder: Path, names: set[str]) -> None:
    """Say which of a site's files, the model's aside, are ours."""
    (folder / LISTING).write_text(json.dumps(sorted(names), indent=1) + "\n", encoding="utf-8")


def list_more(folder: Path, names: set[str]) -> None:
    """Add to what `write_listing` said; nothing where it said nothing."""
    if (folder / LISTING).is_file():
        ours = {name for name in names if not name.startswith(f"{MODEL}/")}
        write_listing(folder, read_listing(folder) | ours)


def read_listing(folder: Path) -> set[str]:
    """What `write_listing` said, without names that lead out of the folder; nothing if nothing did."""
    try:
        names = json.loads((folder / LISTING).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return set()
    return {name for name in names if isinstance(name, str) and _is_inside(name)}


def _is_inside(name: str) -> bool:
    path = Path(name)
    return not path.is_absolute() and ".." not in path.parts


def _move_in(new: Path, out: Path) -> None:
    """Put the new files in place, then remove those of the old site that the new one has not."""
    names = {path.relative_to(new).as_posix() for path in new.rglob("*") if path.is_file()}
    page = {name for name in names if not name.startswith(f"{MODEL}/")} - {LISTING}
    listed = read_listing(out)
    for name in sorted(page - listed):
        if not _is_same(new / name, out / name) and (out / name).exists():
            raise UsageError(
                f"{out / name} is in the way and is no file of Gemtab. Choose another --out."
            )
    if page:
        write_listing(out, page | listed)  # if we are killed now, the next build knows them as ours
    last = (MANIFEST + SUFFIX, MANIFEST)
    for name in (*sorted(names - {*last, LISTING}), *last):
        if name in names and not _is_same(new / name, out / name):
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            if name + SUFFIX not in names and (name + SUFFIX in listed or name == MANIFEST):
                (out / (name + SUFFIX)).unlink(missing_ok=True)  # no form of it any more
            (new / name).replace(out / name)
    if page:
        write_listing(out, page)
    _remove_old(out, names, listed - page if page else set())


def _is_same(one: Path, other: Path) -> bool:
    return other.is_file() and filecmp.cmp(one, other, shallow=False)


def _remove_old(out: Path, names: set[str], unlisted: set[str]) -> None:
    """Remove the model's files that are not among `names`, and page files no longer listed."""
    if MANIFEST in names:
        for path in (out / MODEL).iterdir():
            if path.is_file() and f"{MODEL}/{path.name}" not in names:
                path.unlink()
    for name in unlisted:
        (out / name).unlink(missing_ok=True)
