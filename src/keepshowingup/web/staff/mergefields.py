"""The merge fields the editor offers: what each says to a reader, and the words for those who have none."""

from __future__ import annotations

from dataclasses import dataclass

from keepshowingup.letters.values import SAMPLE


@dataclass(frozen=True)
class MergeField:
    """``link`` are the words an address stands behind; a field without is words itself."""

    name: str
    says: str
    fallback: str = ""
    link: str = ""

    @property
    def insert(self) -> str:
        """What stands in the letter: ``{{ first_name | default("friend") }}``."""
        filters = f' | default("{self.fallback}")' if self.fallback else ""
        return f"{{{{ {self.name}{filters} }}}}"

    @property
    def example(self) -> str:
        """What a reader might see."""
        return "" if self.link else str(getattr(SAMPLE, self.name))

    def row(self) -> dict[str, str]:
        """As the editor's script reads it."""
        return {
            "name": self.name,
            "insert": self.insert,
            "says": self.says,
            "example": self.example,
            "link": self.link,
        }


OFFERED = (
    MergeField("first_name", "What the reader asked to be called. “friend” where they gave no name.", "friend"),
    MergeField("greeting", "Good morning, afternoon or evening, by the reader's clock."),
    MergeField("part_of_day", "morning, afternoon or evening, by the reader's clock."),
    MergeField("signature", "The name these letters are signed with."),
    MergeField("sequence_title", "What these letters are called."),
    MergeField("masthead_name", "Who sends them."),
    MergeField("joined_on", "The day the reader joined, in their language."),
    MergeField("milestone", "How far it is from the date a reader gave, in milestones. Elsewhere “today”.", "today"),
    MergeField("article_title", "The article these letters are drawn from."),
    MergeField("article_url", "The whole article.", link="Read the whole article"),
    MergeField("pause_url", "A page where letters can rest for a while.", link="Take a break"),
    MergeField(
        "preferences_url", "The reader's own page: hours, days, what they get.", link="Change when letters come"
    ),
    MergeField("unsubscribe_url", "A page with one button that stops the letters.", link="Stop these letters"),
    MergeField("helped_url", "One press that says: this letter helped.", link="This helped"),
)
