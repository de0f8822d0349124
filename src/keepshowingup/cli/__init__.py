"""Doors in the terminal: one file per group of commands."""
