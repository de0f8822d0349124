"""Decisions as pure values: standard library only, no input or output, ``now`` is always an argument."""
