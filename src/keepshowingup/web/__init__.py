"""Doors over HTTP: the readers' pages, the editors' desk, the API."""
