"""Mesa's drivers and the headers of Vulkan and libdrm, from Debian, unpacked and not installed."""

import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path

DRIVER, HEADERS = "mesa-vulkan-drivers", ("libvulkan-dev", "libdrm-dev")


def fetch_driver(cache: Path) -> None:
    """Unpack them under `cache`, unless they are there; CalledProcessError where apt cannot."""
    if not (cache / "usr" / "include" / "vulkan").exists():
        release = platform.freedesktop_os_release()["VERSION_CODENAME"]
        _unpack((DRIVER,), f"{release}-backports", release, cache)
        _unpack(HEADERS, release, release, cache)


def _unpack(packages: Sequence[str], suite: str, release: str, cache: Path) -> None:
    """Debian packages of a suite, from the mirror that apt uses here and by its own check, not installed."""
    work = cache / "apt" / suite
    (work / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    targets = ["apt-get", "indextargets", "--format", "$(RELEASE) $(SITE)", "Created-By: Packages"]
    lines = subprocess.run(targets, capture_output=True, text=True, check=True).stdout.splitlines()
    mirror = dict(reversed([line.split(maxsplit=1) for line in lines]))[release]
    (work / "sources.list").write_text(f"deb {mirror} {suite} main\n")
    options = {"Dir::Etc::sourcelist": work / "sources.list", "Dir::Etc::sourceparts": "/dev/null",
               "Dir::State::lists": work / "lists", "Dir::Cache::pkgcache": "",
               "Dir::Cache::srcpkgcache": "", "APT::Sandbox::User": "root"}  # fmt: skip
    apt = ["apt-get", "-qq", *(f"-o{name}={value}" for name, value in options.items())]
    subprocess.run([*apt, "update"], cwd=work, check=True)
    subprocess.run([*apt, "download", *packages], cwd=work, check=True)
    for archive in work.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", archive, cache], check=True)
