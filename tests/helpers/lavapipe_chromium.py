"""A Chromium whose WebGPU runs on Mesa's lavapipe, with shader-f16 and subgroups, as on a GPU.

Chromium takes no driver in software but its own SwiftShader, which has no f16. So a folder of links to Chromium's
files gets another library in SwiftShader's place (lavapipe_shim.c). Takes a C compiler and a lavapipe of Mesa 25.
"""

import os
import shutil
import subprocess
from pathlib import Path

from gemtab_build.run.setup_browser import swiftshader_driver
from helpers.lavapipe import lavapipe_driver

SHIM = Path(__file__).with_name("lavapipe_shim.c")
LIBRARY = "libvk_swiftshader.so"
PROGRAMS = ("chromium", "chrome")
DRIVER = "LAVAPIPE_SHIM_DRIVER"  # tells the library which driver's description to use


class MissingError(Exception):
    """What this machine lacks for it."""


def make(folder: Path) -> dict[str, str]:
    """Make it in an empty folder; the environment by which `find_chromium` finds it, and it its driver."""
    driver, compiler = lavapipe_driver(), shutil.which("cc") or shutil.which("gcc")
    if driver is None:
        raise MissingError("there is no lavapipe of Mesa 25: see tests/helpers/fetch_lavapipe.py")
    if compiler is None:
        raise MissingError("there is no C compiler for tests/helpers/lavapipe_shim.c")
    usual = swiftshader_driver()
    if usual is None:
        raise MissingError("there is no Chromium with SwiftShader beside it")
    program = _link_all(usual.parent, folder)
    command = [compiler, "-O2", "-shared", "-fPIC", "-o", folder / LIBRARY, SHIM, "-ldl"]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return {"GEMTAB_CHROMIUM": str(program), DRIVER: str(driver)}


def _link_all(source: Path, folder: Path) -> Path:
    """Links to all files but SwiftShader's library; the program, which looks beside itself, past links."""
    for path in source.iterdir():
        if path.name not in (LIBRARY, *PROGRAMS):
            (folder / path.name).symlink_to(path)
    program = next((source / name for name in PROGRAMS if (source / name).is_file()), None)
    if program is None:
        raise MissingError(f"{source} has SwiftShader and no Chromium")
    try:
        os.link(program, folder / program.name)
    except OSError:  # another file system
        shutil.copy2(program, folder / program.name)
    return folder / program.name
