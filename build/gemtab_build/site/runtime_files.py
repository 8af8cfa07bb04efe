"""The files that Python starts from, told to the page with their lengths and hashes."""

import hashlib
import json
from collections.abc import Mapping

RUNTIME = "engine/runtime-files.js"
FOLDERS = ("pyodide/", "python/")
EMPTY = b"RUNTIME_FILES = {};"


def with_runtime_files(module: bytes, files: Mapping[str, bytes]) -> bytes:
    """The module of the page that lists them, filled from the site's files by path."""
    before, empty, after = module.partition(EMPTY)
    if not empty:
        raise ValueError(f"{RUNTIME} has no {EMPTY.decode()}")
    listed = {
        name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in sorted(files.items())
        if name.startswith(FOLDERS)
    }
    return before + f"RUNTIME_FILES = {json.dumps(listed, indent=2)};".encode() + after
