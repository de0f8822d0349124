"""A proofreader's report for a terminal: each finding in its line, with the words it is about underlined."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from keepshowingup.core.counting import count_of
from keepshowingup.core.findings import Finding
from keepshowingup.core.proofreading import Report
from keepshowingup.core.reading_copy import even_lines

_LOOKS = {"block": "bold red", "warn": "yellow", "note": "cyan"}
_VERDICTS = {
    "good": "Good: nothing stands in the way.",
    "look": "Worth a look before it is sent.",
    "blocked": "Blocked: something here must change before it is sent.",
    "spun": "This reads as if a machine had swapped its words. Rewrite it; do not send it.",
}
_INDENT = "    "
_NARROWEST = 20


class MarkedReport:
    """What was found in a text called ``name``, in the order of the text, and what it comes to.

    Places are written ``name:line:column`` as editors write them: both count from 1.
    """

    def __init__(self, report: Report, text: str, name: str) -> None:
        self._report, self._name = report, name
        self._lines = even_lines(text).split("\n")

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        plain = not console.is_terminal or console.no_color
        for finding in self._report.findings:
            yield self._head(finding)
            if finding.phrase:
                yield from _marked(self._lines[finding.line - 1], finding, options.max_width, carets=plain)
            yield Text(f"{_INDENT}{finding.suggestion}")
        if self._report.findings:
            yield ""
        yield Text(_summary(self._report))

    def _head(self, finding: Finding) -> Text:
        place = (
            f"{self._name}:{finding.line}:{finding.start + 1}" if finding.phrase else f"{self._name}: the whole text"
        )
        return Text.assemble((finding.severity, _LOOKS[finding.severity]), f"  {place}  ", (finding.rule, "dim"))


def _marked(line: str, finding: Finding, width: int, *, carets: bool) -> Iterator[Text]:
    """As much of a line as fits, around the finding, which is underlined: by style, or by a row of carets."""
    room = max(_NARROWEST, width - len(_INDENT) - 2)
    start, end = finding.start, finding.end
    first = max(0, min(start - room // 3, len(line) - room))
    last = min(len(line), first + room)
    before, after = "…" if first else "", "…" if last < len(line) else ""
    shown = Text(f"{_INDENT}{before}{line[first:last].expandtabs(1)}{after}", no_wrap=True, overflow="crop")
    at = len(_INDENT) + len(before) + start - first
    stop = min(at + end - start, len(_INDENT) + len(before) + last - first)
    shown.stylize(f"underline {_LOOKS[finding.severity]}", at, stop)
    yield shown
    if carets:
        yield Text(" " * at + "^" * max(1, stop - at), no_wrap=True, overflow="crop")


def _summary(report: Report) -> str:
    words = count_of(report.words, "word")
    count = len(report.findings)
    found = count_of(count, "finding") if count else "nothing found"
    if blocking := len(report.blocks):
        found += f", {blocking} of them blocking"
    return f"{_VERDICTS[report.verdict]} {words}, grade {report.grade:g}, {found}."
