"""The logbook: who at the desk did what, when and why. Lines are added, never changed."""
