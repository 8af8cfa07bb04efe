"""Gemtab's engine: Gemma 4 on WebGPU, the same Python in Pyodide and in CPython."""

__version__ = "0.1.0"
