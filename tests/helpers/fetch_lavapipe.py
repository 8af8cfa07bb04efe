"""Fetch a lavapipe that Dawn takes, so that Tint's kernels run with f16 too. Debian 12, nothing installed.

    python tests/helpers/fetch_lavapipe.py [FOLDER]

FOLDER is lavapipe in $GEMTAB_TEST_CACHE, or in .cache in the repository; what is there already stays. Debian 12's own Mesa is too
old for Dawn. This takes the driver alone from the release's backports, from the mirror that this system's
apt uses and with apt's own check of its signature, and unpacks it. Its libraries are those of the
installed mesa-vulkan-drivers. Elsewhere set GEMTAB_LAVAPIPE to the description of a Mesa of 25 or newer.
"""

import argparse
import json
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from fetch_tokenizers import cache_folder

PACKAGE = "mesa-vulkan-drivers"


def fetch(folder: Path) -> Path:
    """The description of the fetched driver."""
    description = folder / "icd.json"
    if description.exists():
        return description
    if not shutil.which("apt-get"):
        sys.exit("There is no apt-get: this is for Debian.")
    release = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    with tempfile.TemporaryDirectory() as temporary:
        archive = _download(Path(temporary), f"{release}-backports", _mirror(release))
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["dpkg-deb", "-x", archive, folder], check=True)
    (library,) = folder.glob("usr/lib/*/libvulkan_lvp.so")
    about = {"api_version": "1.4.0", "library_path": str(library.resolve())}
    description.write_text(json.dumps({"file_format_version": "1.0.0", "ICD": about}))
    return description


def _mirror(release: str) -> str:
    """Where apt gets this release."""
    command = ["apt-get", "indextargets", "--format", "$(RELEASE) $(SITE)", "Created-By: Packages"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    for line in lines:
        name, site = line.split(maxsplit=1)
        if name == release:
            return site
    sys.exit(f"apt has no source for the release {release!r}: this is for Debian.")


def _download(folder: Path, suite: str, mirror: str) -> Path:
    """The package from another suite of the mirror, by an apt whose state lies in `folder`."""
    sources, lists = folder / "sources.list", folder / "lists"
    sources.write_text(f"deb {mirror} {suite} main\n")
    (lists / "partial").mkdir(parents=True)
    options = {
        "Dir::Etc::sourcelist": sources,
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State::lists": lists,
        "Dir::Cache::pkgcache": "",
        "Dir::Cache::srcpkgcache": "",
        "APT::Sandbox::User": "root",
    }
    apt = ["apt-get", "-q", *(f"-o{name}={value}" for name, value in options.items())]
    subprocess.run([*apt, "update"], cwd=folder, check=True)
    subprocess.run([*apt, "download", PACKAGE], cwd=folder, check=True)
    (archive,) = folder.glob("*.deb")
    return archive


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=cache_folder() / "lavapipe")
    print(fetch(parser.parse_args().folder))
