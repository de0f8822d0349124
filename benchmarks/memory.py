"""How much memory a worker has, and whether letters make it grow."""

from __future__ import annotations

from benchmarks.drain import on_postgres
from benchmarks.figures import Figure
from benchmarks.house import Bench


def workers(bench: Bench) -> list[Figure]:
    """The largest worker after the drain, beside what it was before the first letter."""
    done = on_postgres(bench)
    before, warm, after = max(done.memory.values(), key=lambda three: three[2])
    note = f"PSS after {done.letters:,} letters; {before:.0f} before the first, {warm:.0f} after a tenth of them"
    return [Figure("memory of a worker", after, "MB", at_most=150, ratio=after / warm, note=note)]
