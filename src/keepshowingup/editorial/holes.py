"""Values that a sequence's letters speak of and the sequence does not have: they would leave holes in sentences."""

from __future__ import annotations

from collections.abc import Iterable

from keepshowingup.editorial.models import Sequence, Step
from keepshowingup.letters.fields import names_without_fallback


def holes(sequence: Sequence, steps: Iterable[Step]) -> list[str]:
    """A sentence for each letter and value. What some readers lack is refused earlier, when a letter is saved."""
    lacking = {
        name: what
        for name, what, value in (
            ("signature", "signature: give it one in its settings", sequence.signature),
            ("article_title", "article: write the title out", sequence.article_id),
        )
        if not value
    }
    return [
        f"{step.key} says {{{{ {name} }}}}, and the sequence has no {lacking[name]}, or say what stands there "
        f'without it, like {{{{ {name} | default("…") }}}}.'
        for step in steps
        for part in (step.subject, step.preheader, step.body)
        for name in names_without_fallback(part, lacking)
    ]
