// Boots Pyodide with the site's compiled library and engine; prints the modules that it imported.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const folder = resolve(process.argv[2], "pyodide");
const { loadPyodide } = await import(pathToFileURL(resolve(folder, "pyodide.mjs")).href);
const pyodide = await loadPyodide({
  indexURL: `${folder}/`,
  stdLibURL: resolve(folder, "python_stdlib.zip"),
});
const packages = readFileSync(resolve(process.argv[2], "python", "packages.zip"));
pyodide.unpackArchive(new Uint8Array(packages), "zip", { extractDir: pyodide.runPython(
  "import site; site.getsitepackages()[0]",
) });
console.log(pyodide.runPython(`
import importlib, json, pkgutil
import jinja2.sandbox
import gemtab

names = [found.name for found in pkgutil.walk_packages(gemtab.__path__, "gemtab.")]
native = {"gemtab.gpu.native"}  # wgpu-py, which no page has
for name in names:
    if name not in native:
        importlib.import_module(name)
json.dumps(names)
`));
