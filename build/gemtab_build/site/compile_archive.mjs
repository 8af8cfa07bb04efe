// Compiles the .py files of a zip to .pyc inside Pyodide itself, whose bytecode no host Python has.
// node compile_archive.mjs PYODIDE_FOLDER IN.zip OUT.zip
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, source, target] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(resolve(folder, "pyodide.mjs")).href);
const pyodide = await loadPyodide({ indexURL: `${resolve(folder)}/` });
pyodide.FS.writeFile("/in.zip", readFileSync(source));
pyodide.runPython(`
import importlib._bootstrap_external as external
import importlib.util
import zipfile

# a fixed time and an unchecked hash: the same source gives the same bytes
with zipfile.ZipFile("/in.zip") as source, zipfile.ZipFile("/out.zip", "w") as target:
    for name in sorted(source.namelist()):
        if name.endswith("/"):
            continue
        data = source.read(name)
        if name.endswith(".py"):
            code = compile(data, name, "exec", dont_inherit=True, optimize=0)
            data = external._code_to_hash_pyc(code, importlib.util.source_hash(data), False)
            name += "c"
        entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
        entry.compress_type = zipfile.ZIP_DEFLATED
        target.writestr(entry, bytes(data))
`);
writeFileSync(target, pyodide.FS.readFile("/out.zip"));
