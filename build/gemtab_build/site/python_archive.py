"""python/packages.zip: the engine, jinja2 and markupsafe, as the page unpacks them."""

import hashlib
import importlib.metadata
import io
import zipfile
from pathlib import Path

import gemtab
from gemtab.contracts.errors import UsageError
from gemtab_build.site.pyodide_assets import pins

FIXED_TIME = (1980, 1, 1, 0, 0, 0)  # the same files give the same zip


def packages_archive() -> bytes:
    """The zip of .py files, in order and with fixed times."""
    files = engine_files()
    for name in pins()["python"]:
        files |= package_files(name)
    return pack(files)


def engine_files() -> dict[str, bytes]:
    """The engine's modules by their path in site-packages."""
    folder = Path(gemtab.__file__).parent
    return {
        path.relative_to(folder.parent).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*.py"))
    }


def package_files(name: str) -> dict[str, bytes]:
    """An installed package's pure part with its licence, held to the pinned digest."""
    pin = pins()["python"][name]
    distribution = importlib.metadata.distribution(name)
    files = {
        path.as_posix(): Path(str(path.locate())).read_bytes()
        for path in distribution.files or []
        if path.suffix == ".py" or path.name.startswith("LICENSE")
    }
    if distribution.version != pin["version"] or digest(files) != pin["digest"]:
        raise UsageError(
            f"{name} {distribution.version} is not the {pin['version']} of assets.lock.json. "
            f"Install {name}=={pin['version']} (./gemtab does), or renew the lock."
        )
    return files


def digest(files: dict[str, bytes]) -> str:
    """One SHA-256 over names and contents."""
    total = hashlib.sha256()
    for name, data in sorted(files.items()):
        total.update(f"{name}\0{hashlib.sha256(data).hexdigest()}\n".encode())
    return total.hexdigest()


def pack(files: dict[str, bytes]) -> bytes:
    """A zip of these files that depends on nothing but them."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in sorted(files.items()):
            entry = zipfile.ZipInfo(name, FIXED_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return stream.getvalue()
