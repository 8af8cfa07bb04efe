"""A built site at work on this machine: natively, in a browser, measured."""
