"""What a page's script imports, told to the browser beforehand: else it finds out level by level."""

import posixpath
import re
from collections.abc import Mapping

SCRIPT = re.compile(rb'( *)<script type="module" src="([^"]+)"></script>\n')
IMPORT = re.compile(
    rb"""^(?:import|(?:import|export)\s[^"';(]*\sfrom)\s*["'](\.[^"']+)["']""", re.MULTILINE
)


def with_preloads(page: bytes, files: Mapping[str, bytes]) -> bytes:
    """The page with a modulepreload before its script for each module that this imports.

    `files` are the site's, by path; the page lies at its root.
    """
    script = SCRIPT.search(page)
    if not script:
        raise ValueError("the page has no module script")
    indent, entry = script[1], script[2].decode()
    links = [
        indent + f'<link rel="modulepreload" href="{name}" />\n'.encode()
        for name in imported(entry, files)
    ]
    return page[: script.start()] + b"".join(links) + page[script.start() :]


def imported(entry: str, files: Mapping[str, bytes]) -> list[str]:
    """The paths of the modules that a module imports statically, and theirs, the nearest first."""
    found = [entry]
    for name in found:  # it grows
        folder = posixpath.dirname(name)
        for target in IMPORT.findall(files[name]):
            path = posixpath.normpath(posixpath.join(folder, target.decode()))
            if path not in found:
                found.append(path)
    return found[1:]
