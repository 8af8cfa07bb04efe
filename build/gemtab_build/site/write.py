"""The site around a model: the page, Pyodide and the engine, written to a folder."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from gemtab.contracts.errors import UsageError
from gemtab_build.site.modules import with_preloads
from gemtab_build.site.pyodide_assets import ROOT, compile_archive, pyodide_files
from gemtab_build.site.python_archive import packages_archive
from gemtab_build.site.replacing import write_listing
from gemtab_build.site.runtime_files import RUNTIME, with_runtime_files

PAGES = ("index.html", "bench.html")  # each declares a policy
APP = "app.json"  # what web/sw.js keeps for visits without a network
DEVELOPMENT_NAMES = {
    "package.json", "package-lock.json", "jsconfig.json", "tsconfig.json", "biome.json",
    "node_modules", "tests", "README.md",
}  # fmt: skip


def write_site(folder: Path, origins: Sequence[str] = ()) -> None:
    """Write page, Pyodide and engine to a new folder, and the listing of their names.

    The page may fetch from `origins` as well as from its own.
    """
    files = site_files(origins)
    write_files(folder, files)
    write_listing(folder, set(files))


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files by their paths in `folder`."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def site_files(origins: Sequence[str] = ()) -> dict[str, bytes]:
    """Every file of the site but the model's, by its path in the site."""
    files = page_files(web_folder())
    for page in PAGES:
        files[page] = with_preloads(allow(files[page], origins), files)
    files |= {f"pyodide/{name}": data for name, data in pyodide_files().items()}
    files["python/packages.zip"] = compile_archive(packages_archive())
    files[RUNTIME] = with_runtime_files(files[RUNTIME], files)
    return files | {APP: app_listing(files)}


def allow(page: bytes, origins: Sequence[str]) -> bytes:
    """The page with origins in its policy, to fetch from."""
    before, directive, after = page.partition(b"connect-src 'self'")
    if not directive:
        raise ValueError("the page has no connect-src 'self'")
    return before + " ".join([directive.decode(), *origins]).encode() + after


def app_listing(files: Mapping[str, bytes]) -> bytes:
    """The SHA-256 of each file of the app and its bytes, and a hash of all of them as its version."""
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())}
    version = hashlib.sha256(json.dumps(hashes).encode()).hexdigest()
    sizes = {name: len(data) for name, data in sorted(files.items())}
    listing = {"version": version, "files": hashes, "sizes": sizes}
    return json.dumps(listing, indent=1).encode() + b"\n"


def web_folder() -> Path:
    """The page's sources: the repository's, or those that the installed tool carries."""
    for folder in (ROOT / "web", Path(__file__).parents[1] / "web"):
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
