"""Plain data that every floor shares: model config, names, manifest, program, protocol, errors."""
