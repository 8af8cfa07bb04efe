"""The site around a model: the page, Pyodide and the engine, written to a folder."""

import json
from pathlib import Path

from gemtab.contracts.errors import UsageError
from gemtab_build.pyodide_assets import ROOT, compile_archive, pyodide_files
from gemtab_build.python_archive import packages_archive

LISTING = "site.json"  # what we wrote, so that the next build removes what is gone
DEVELOPMENT_NAMES = {
    "package.json", "package-lock.json", "jsconfig.json", "tsconfig.json", "biome.json",
    "node_modules", "tests", "README.md",
}  # fmt: skip


def write_site(out: Path) -> list[str]:
    """Write page, Pyodide and engine to `out`; the names written. The model's folder is left."""
    files = site_files()
    out.mkdir(parents=True, exist_ok=True)
    for name in sorted(written_before(out) - set(files)):
        (out / name).unlink(missing_ok=True)
    for name, data in files.items():
        write_if_changed(out / name, data)
    listing = json.dumps(sorted(files), indent=1) + "\n"
    write_if_changed(out / LISTING, listing.encode())
    return sorted(files)


def site_files() -> dict[str, bytes]:
    """Every file of the site but the model's, by its path in the site."""
    files = page_files(web_folder())
    files |= {f"pyodide/{name}": data for name, data in pyodide_files().items()}
    files["python/packages.zip"] = compile_archive(packages_archive())
    return files


def web_folder() -> Path:
    """The page's sources: the repository's, or those that the installed tool carries."""
    for folder in (ROOT / "web", Path(__file__).parent / "web"):
        if folder.is_dir():
            return folder
    raise UsageError("The page's sources (web/) are not there. Install gemtab again.")


def page_files(folder: Path) -> dict[str, bytes]:
    """The page's files by name, without what only its developers need."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and is_published(path.relative_to(folder))
    }


def is_published(path: Path) -> bool:
    """Whether a file of web/ belongs on the site."""
    hidden = any(part.startswith(".") or part in DEVELOPMENT_NAMES for part in path.parts)
    return not hidden and not path.name.endswith(".d.ts")


def written_before(out: Path) -> set[str]:
    """The names that the last build wrote here."""
    try:
        names = json.loads((out / LISTING).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return set()
    return {name for name in names if isinstance(name, str) and is_inside(name)}


def is_inside(name: str) -> bool:
    """Whether a listed name stays in the folder: a listing is a file that anyone may edit."""
    path = Path(name)
    return not path.is_absolute() and ".." not in path.parts


def write_if_changed(path: Path, data: bytes) -> None:
    """Write a file whole or not at all; one that is the same keeps its time."""
    if path.exists() and path.read_bytes() == data:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(data)
    partial.replace(path)
