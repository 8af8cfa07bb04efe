"""A Vulkan driver for a GPU that is not there, chosen for this process."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench.isa.debian import fetch_driver
from bench.isa.gpus import GPUS, Amd

HERE = Path(__file__).resolve().parent
LAYER = "VK_LAYER_isa"


def set_up(cache: Path, gpu: str, wave: int | None) -> None:
    """Fetch the driver and headers once, build the C parts, and choose them for this process, which starts anew for Intel's.

    Each process has its own file of statistics, so that several may run at once.
    """
    fetch_driver(cache)
    chosen = GPUS[gpu]
    brand = "radeon" if isinstance(chosen, Amd) else "intel"
    (driver,) = cache.glob(f"usr/lib/*/libvulkan_{brand}.so")
    layer, none, icd = cache / "libisa.so", cache / "libintel_none.so", cache / f"{gpu}.json"
    about = {"name": LAYER, "type": "GLOBAL", "library_path": str(layer), "api_version": "1.3.0",
             "implementation_version": "1", "description": "statistics of pipelines"}  # fmt: skip
    driven = {"api_version": "1.4.0", "library_path": str(driver)}
    _write(icd, {"file_format_version": "1.0.0", "ICD": driven})
    _write(cache / "layer" / "isa.json", {"file_format_version": "1.1.2", "layer": about})
    os.environ |= {
        "VK_DRIVER_FILES": str(icd), "VK_ICD_FILENAMES": str(icd),
        "VK_LAYER_PATH": str(cache / "layer"), "VK_INSTANCE_LAYERS": LAYER,
        "RADV_FORCE_FAMILY": gpu, "RADV_DEBUG": "nocache", "MESA_SHADER_CACHE_DISABLE": "1",
        "ISA_OUT": str(cache / f"pipelines-{os.getpid()}.jsonl"), **({"ISA_WAVE": str(wave)} if wave else {}),
    }  # fmt: skip
    if isinstance(chosen, Amd):
        _build("layer.c", layer, cache)
    elif os.environ.get("LD_PRELOAD") != str(none):  # Intel's finds a GPU only where that is loaded
        _build("layer.c", layer, cache)
        _build("intel.c", none, cache)
        os.environ |= {"LD_PRELOAD": str(none), "ISA_INTEL": chosen.pci}
        os.execv(sys.executable, sys.orig_argv)


def _write(path: Path, content: Any) -> None:
    """JSON, put in place whole."""
    path.parent.mkdir(exist_ok=True)
    made = path.with_suffix(f".{os.getpid()}")
    made.write_text(json.dumps(content))
    made.replace(path)


def _build(source: str, library: Path, cache: Path) -> None:
    """A shared library of one of the C files here."""
    include = cache / "usr" / "include"
    gcc = ["gcc", "-std=gnu11", "-O1", "-Wall", "-shared", "-fPIC"]
    paths = [f"-I{include}", f"-I{include / 'libdrm'}"]
    made = library.with_suffix(f".{os.getpid()}")  # put in place whole: another run may load it
    subprocess.run([*gcc, *paths, HERE / source, "-o", made], check=True)
    made.replace(library)
