"""Keeping it running: the supervisor, the embedded broker, the development inbox, health, backup."""
