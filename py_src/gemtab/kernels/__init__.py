"""One frozen dataclass per shader: sizes, parameters, bindings, grid. Pure."""
