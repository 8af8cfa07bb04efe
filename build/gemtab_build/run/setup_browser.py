"""Browsers and a Vulkan driver: find them, or install them where that is allowed."""

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FIREFOX_NAMES = ("firefox-esr", "firefox", "/Applications/Firefox.app/Contents/MacOS/firefox")
ICD_FOLDERS = ("/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d", "/usr/local/share/vulkan/icd.d")
PLAYWRIGHT_SECONDS = 240
# SwiftShader compiles this way of clearing a kernel's 16 KiB of workgroup memory in 1.5 s, another in 0.1 s
SLOW_TOGGLE = "use_vulkan_zero_initialize_workgroup_memory_extension"
# WebGPU without a GPU: SwiftShader, which Chromium offers under this flag
ARGUMENTS = (
    "--no-sandbox", "--enable-unsafe-webgpu", f"--disable-dawn-features={SLOW_TOGGLE}",
)  # fmt: skip


def find_chromium() -> Path | None:
    """The Chromium to drive: GEMTAB_CHROMIUM, the system's, or Playwright's own."""
    named = os.environ.get("GEMTAB_CHROMIUM")
    if named:
        return Path(named) if Path(named).exists() else None
    return _first_of(NAMES) or playwright_chromium()


def find_firefox() -> Path | None:
    """The Firefox to drive: GEMTAB_FIREFOX, or the system's. Playwright's own build is another browser."""
    named = os.environ.get("GEMTAB_FIREFOX")
    if named:
        return Path(named) if Path(named).exists() else None
    return _first_of(FIREFOX_NAMES)


def _first_of(names: tuple[str, ...]) -> Path | None:
    found = (shutil.which(name) for name in names)
    return next((Path(path) for path in found if path), None)


def playwright_chromium() -> Path | None:
    """The Chromium that Playwright has downloaded, if it has."""
    base = os.environ.get("PLAYWRIGHT_BROWSERS_PATH")
    folder = Path(base) if base else Path.home() / ".cache" / "ms-playwright"
    found = sorted(folder.glob("chromium-*/chrome-linux*/chrome"))
    found += sorted(folder.glob("chromium-*/chrome-mac*/Chromium.app/Contents/MacOS/Chromium"))
    found += sorted(folder.glob("chromium-*/chrome-win*/chrome.exe"))
    return found[-1] if found else None


def swiftshader_driver() -> Path | None:
    """The Vulkan driver description of the SwiftShader that comes with Chromium, if both are there."""
    chromium = find_chromium()
    if chromium is None:
        return None
    # a system's command is often a script, and the program lies in a folder of its name
    folders = [chromium.resolve().parent]
    folders += [Path("/usr") / place / name for place in ("lib", "lib64") for name in NAMES]
    names = ("libvk_swiftshader.so", "vk_swiftshader_icd.json")
    there = (folder for folder in folders if all((folder / name).exists() for name in names))
    found = next(there, None)
    return found / names[1] if found else None


def set_up_chromium() -> Path | None:
    """Find Chromium, or get it from Playwright, or from Debian as root. None: tests skip."""
    if find_chromium() is None:
        say("no Chromium found: asking Playwright for one")
        _quietly([sys.executable, "-m", "playwright", "install", "chromium"], PLAYWRIGHT_SECONDS)
    if find_chromium() is None:
        _apt_install("chromium")
    if find_chromium() is None:
        say(
            "no Chromium could be had: install one, or set GEMTAB_CHROMIUM. Tests in it are skipped."
        )
    return find_chromium()


def set_up_firefox() -> Path | None:
    """Find Firefox, or get it from Debian as root. None: its tests skip."""
    if find_firefox() is None and "GEMTAB_FIREFOX" not in os.environ:
        _apt_install("firefox-esr")
    if find_firefox() is None:
        say("no Firefox could be had: install one, or set GEMTAB_FIREFOX. Tests in it are skipped.")
    return find_firefox()


def set_up_vulkan() -> None:
    """Install a software Vulkan driver where there is none and we may."""
    if not has_vulkan_driver():
        _apt_install("mesa-vulkan-drivers", "libvulkan1")


def has_vulkan_driver() -> bool:
    """Whether this machine has one; Linux's Firefox has no WebGPU without."""
    named = any(os.environ.get(name) for name in ("VK_DRIVER_FILES", "VK_ICD_FILENAMES"))
    return named or any(any(Path(folder).glob("*.json")) for folder in ICD_FOLDERS)


def _apt_install(*packages: str) -> None:
    if shutil.which("apt-get") is None or not hasattr(os, "geteuid") or os.geteuid() != 0:
        return
    say(f"installing {', '.join(packages)} with apt-get")
    _apt_update()
    command = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    if not _quietly(command, seconds=600):
        say(f"apt-get could not install {', '.join(packages)}")


@functools.cache
def _apt_update() -> bool:
    return _quietly(["apt-get", "update"], seconds=180)


def _quietly(command: list[str], seconds: int) -> bool:
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    try:
        done = subprocess.run(
            command, capture_output=True, env=environment, timeout=seconds, check=False
        )
    except (subprocess.TimeoutExpired, OSError):
        return False
    return done.returncode == 0


def say(line: str) -> None:
    """Tell on stderr what is being set up."""
    print(f"gemtab: {line}", file=sys.stderr, flush=True)
