"""The site's Python in Pyodide itself, run by Node: every engine module imports."""

import json
import subprocess
from pathlib import Path

import pytest

from gemtab_build.node import find_node
from gemtab_build.site.pyodide_assets import compile_archive, pyodide_files
from gemtab_build.site.python_archive import packages_archive
from gemtab_build.site.write import write_files

pytestmark = pytest.mark.slow


def test_every_engine_module_imports(tmp_path):
    node = find_node()
    if node is None:
        pytest.skip("there is no Node")
    write_files(tmp_path / "pyodide", pyodide_files())
    write_files(tmp_path / "python", {"packages.zip": compile_archive(packages_archive())})

    script = Path(__file__).with_name("boot_engine.mjs")
    result = subprocess.run(
        [str(node), str(script), str(tmp_path)], capture_output=True, text=True, check=False
    )

    assert result.returncode == 0, result.stderr
    assert "gemtab.text.tokenizer" in json.loads(result.stdout.splitlines()[-1])
