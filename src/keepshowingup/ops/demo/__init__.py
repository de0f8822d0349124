"""The main job in time-lapse: real processes, three readers, and a judge that shares no code with the calendar."""

from __future__ import annotations

from keepshowingup.ops.demo.play import run_demo

__all__ = ["run_demo"]
