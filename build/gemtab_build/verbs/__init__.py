"""The verbs of the command, a file each: add(subparsers) declares one."""
