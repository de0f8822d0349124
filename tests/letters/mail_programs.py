"""What mail programs make of the HTML and CSS our letters use, by caniemail's data, and why no letter breaks by it.

``python -m tests.letters.mail_programs`` writes ``docs/letters-in-mail-programs.md``. With the path of a
``caniemail.json`` (npm ``caniemail``, file ``data/caniemail.json``) it takes newer data in first. Nothing of this is
needed to run keepshowingup, and neither npm nor a network to run the tests.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import lxml.html
from lxml import etree

from keepshowingup.letters.compile import kinds
from keepshowingup.letters.compose import render
from keepshowingup.letters.themes import themes
from keepshowingup.letters.values import SAMPLE
from tests.letters.samples import letter_of

HERE = Path(__file__).parent
DATA = HERE / "caniemail.json"
REASONS = HERE / "mail_programs.toml"
REPORT = HERE.parents[1] / "docs" / "letters-in-mail-programs.md"

#: The programs that are looked at: caniemail's family and platform, and how the report calls them.
PROGRAMS = {
    "gmail/desktop-webmail": "Gmail on the web",
    "gmail/ios": "Gmail for iOS",
    "gmail/android": "Gmail for Android",
    "gmail/mobile-webmail": "Gmail on the mobile web",
    "outlook/windows": "Outlook for Windows",
    "outlook/windows-mail": "Windows Mail",
    "outlook/macos": "Outlook for macOS",
    "outlook/outlook-com": "Outlook.com",
    "outlook/ios": "Outlook for iOS",
    "outlook/android": "Outlook for Android",
    "apple-mail/macos": "Apple Mail on macOS",
    "apple-mail/ios": "Apple Mail on iOS",
    "yahoo/desktop-webmail": "Yahoo on the web",
    "yahoo/ios": "Yahoo for iOS",
    "yahoo/android": "Yahoo for Android",
}

# What caniemail calls otherwise than CSS does.
_SAME = {
    "background-color": "css-background-color",
    "font-family": "css-font",
    "border-color": "css-border",
    "border-left": "css-border",
    "border-top": "css-border",
    "border-bottom": "css-border",
    "font-style": "css-font",
}
_UNITS = {"px": "css-unit-px", "em": "css-unit-em", "%": "css-unit-percent", "pt": "css-unit-pt"}
_ELEMENTS = {
    "h1": "html-h1-h6", "h2": "html-h1-h6", "h3": "html-h1-h6", "ul": "html-lists", "ol": "html-lists",
    "li": "html-lists", "tr": "html-table", "td": "html-table", "em": "html-strong", "b": "html-strong",
}  # fmt: skip
_ATTRIBUTES = {"lang", "dir", "role", "width", "cellpadding", "cellspacing", "align", "aria-hidden"}
# What every program shows since there is mail in HTML; caniemail has no page for it.
_PLAIN = {"html", "head", "title", "meta", "a", "br", "color"}


@dataclass(frozen=True)
class Ignored:
    """One feature that some programs ignore (n) or have only partly (a) or are not known to have (u)."""

    feature: str
    answers: Mapping[str, str]

    def programs(self, answer: str) -> list[str]:
        """Who gives this answer."""
        return [PROGRAMS[program] for program, given in self.answers.items() if given == answer]


@cache
def data() -> dict[str, Any]:
    """The reduced data: a date, a version, and for each feature its title, page and answers."""
    kept: dict[str, Any] = json.loads(DATA.read_text(encoding="utf-8"))
    for slug, (title, answers) in kept["features"].items():
        page = f"{kept['home']}/features/{slug}/"
        kept["features"][slug] = {"title": title, "url": page, "answers": dict(zip(PROGRAMS, answers, strict=True))}
    return kept


@cache
def reasons() -> dict[str, dict[str, str]]:
    """Why it does no harm: ``ignored`` by caniemail's names, ``unlisted`` by the names of CSS and HTML."""
    return tomllib.loads(REASONS.read_text(encoding="utf-8"))


@cache
def letters() -> dict[tuple[str, str], str]:
    """The HTML of every kind of letter in every theme, as it leaves."""
    return {(kind, theme): render(letter_of(kind, theme=theme), SAMPLE).html for kind in kinds() for theme in themes()}


def declarations(css: str) -> Iterator[tuple[str, str]]:
    """Property and value of each declaration in a style attribute or the inside of a rule."""
    for declaration in css.split(";"):
        name, colon, value = declaration.partition(":")
        if colon:
            yield name.strip().lower(), value.strip()


def used_in(html: str) -> set[str]:
    """The names of what a letter uses: caniemail's where it has one, CSS' and HTML's own where not."""
    known = data()["features"]
    found: set[str] = {"html-doctype", "html-comments"}
    tree = lxml.html.document_fromstring(html)
    for element in tree.iter(etree.Element):
        found.add(_ELEMENTS.get(element.tag) or _named("html", element.tag, known))
        found |= {f"html-{name}" for name in element.attrib if name in _ATTRIBUTES}
        if element.tag == "a" and str(element.get("href")).startswith("mailto:"):
            found.add("html-mailto-links")
        for name, value in declarations(element.get("style", "")):
            found |= _css(name, value, known)
        if element.tag == "style":
            found |= _in_style(element.text or "", known)
    return found


def _in_style(css: str, known: Mapping[str, Any]) -> set[str]:
    found = {"css-selector-class", "css-selector-descendant", "css-selector-type", "css-selector-grouping"}
    for condition, rules in re.findall(r"@media ([^{]*)\{((?:[^{}]*\{[^{}]*\})*)[^{}]*\}", css):
        found.add("css-at-media-prefers-color-scheme" if "color-scheme" in condition else "css-at-media")
        for inside in re.findall(r"\{([^{}]*)\}", rules):
            for name, value in declarations(inside):
                found |= _css(name, value, known)
    return found


def _css(name: str, value: str, known: Mapping[str, Any]) -> set[str]:
    if name == "display":
        return {"css-display-none" if value.startswith("none") else "css-display"}
    found = {_SAME.get(name) or _named("css", name, known)}
    found |= {_UNITS[unit] for unit in re.findall(r"\d(px|em|%|pt)\b", value)}
    found |= {"css-sytem-ui"} if "system-ui" in value else set()
    return found | ({"css-important"} if "!important" in value else set())


def _named(room: str, name: str, known: Mapping[str, Any]) -> str:
    return f"{room}-{name}" if f"{room}-{name}" in known else name


@cache
def used() -> frozenset[str]:
    """What any letter uses, without what is plain."""
    return frozenset().union(*map(used_in, letters().values())) - _PLAIN


def ignored() -> list[Ignored]:
    """What letters use and not every program has, by name."""
    features = data()["features"]
    rows = ((name, features[name]["answers"]) for name in sorted(used() & features.keys()))
    found = (Ignored(name, {program: each for program, each in row.items() if each != "y"}) for name, row in rows)
    return [row for row in found if row.answers]


def as_shown_by(html: str, program: str) -> str:
    """The letter without the declarations this program ignores, and without ``@media`` where it has none of that.

    A rough likeness: what it has only partly is left in.
    """
    features = data()["features"]

    def keeps(name: str, value: str) -> bool:
        slugs = _css(name, value, features) - {"css-important"}
        return all(features[slug]["answers"][program] != "n" for slug in slugs if slug in features)

    tree = lxml.html.document_fromstring(html)
    for element in tree.iter(etree.Element):
        if style := element.get("style"):
            kept = [f"{name}: {value}" for name, value in declarations(style) if keeps(name, value)]
            element.set("style", "; ".join(kept))
        if element.tag == "style":
            for condition, whole in re.findall(r"@media ([^{]*)(\{(?:[^{}]*\{[^{}]*\})*[^{}]*\})", element.text or ""):
                slug = "css-at-media-prefers-color-scheme" if "color-scheme" in condition else "css-at-media"
                if features[slug]["answers"][program] == "n":
                    element.text = (element.text or "").replace(f"@media {condition}{whole}", "")
    return str(lxml.html.tostring(tree, encoding="unicode", doctype="<!DOCTYPE html>"))


def report() -> str:
    """The page that says what is ignored where, and why it does no harm."""
    said, features = reasons(), data()["features"]
    lines = [
        "# Letters in mail programs",
        "",
        "Written by `make mail-programs`; a test fails when it is not what that would write. Every kind of letter in",
        "every theme is rendered, and what its HTML and CSS use is looked up in the data of",
        f"[caniemail.com]({data()['home']}), as of {data()['date']}",
        f"(npm `caniemail` {data()['version']}, MIT licence).",
        "Another test takes out of each letter what a program ignores and reads what is left in a browser: nothing may",
        "be wider than the telephone, no words may lack contrast, and the preview line stays unseen.",
        "",
        f"Looked at: {', '.join(PROGRAMS.values())}.",
        "",
        f"{len(used() & features.keys()) - len(ignored())} things letters use work in all of them:",
        f"{', '.join(_title(name) for name in sorted(used() & features.keys()) if name not in _names())}.",
        "",
        "## What some of them ignore",
        "",
    ]
    for row in ignored():
        lines += [f"### [{_title(row.feature)}]({features[row.feature]['url']})", ""]
        for answer, words in (("n", "Ignored by"), ("a", "Only partly in"), ("u", "Not known of")):
            if programs := row.programs(answer):
                lines.append(f"- {words}: {', '.join(programs)}.")
        lines += ["", said["ignored"][row.feature], ""]
    lines += ["## What caniemail has no page for", ""]
    lines += [f"- `{name}`: {why}" for name, why in sorted(said["unlisted"].items())]
    return "\n".join(lines) + "\n"


def _names() -> set[str]:
    return {row.feature for row in ignored()}


def _title(name: str) -> str:
    title: str = data()["features"][name]["title"]
    return f"`{title}`"


def take_in(path: Path, version: str) -> None:
    """Reduce caniemail's data to the programs that are looked at, and to whether they know a feature today."""
    whole = json.loads(path.read_text(encoding="utf-8"))
    features = {}
    for each in whole["data"]:
        if each["category"] not in {"css", "html"}:
            continue
        answers = ""
        for program in PROGRAMS:
            family, platform = program.split("/")
            tested = each["stats"].get(family, {}).get(platform) or {"": "u"}
            answers += next(reversed(tested.values()))[0]
        features[each["slug"]] = [each["title"], answers]
    kept = {
        "home": "https://www.caniemail.com",
        "licence": "MIT. Copyright © Avi Goldman. Copyright © Andrew Powell <andrew@shellscape.org>",
        "version": version,
        "date": whole["last_update_date"][:10],
        "features": features,
    }
    DATA.write_text(_one_a_line(kept), encoding="utf-8")


def _one_a_line(kept: dict[str, Any]) -> str:
    """JSON that shows in a diff which feature has changed."""
    rows = ",\n".join(f"  {json.dumps(slug)}: {json.dumps(row)}" for slug, row in kept.pop("features").items())
    head = ",\n".join(f" {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}" for name, value in kept.items())
    return f'{{\n{head},\n "features": {{\n{rows}\n }}\n}}\n'


if __name__ == "__main__":
    if len(sys.argv) == 3:
        take_in(Path(sys.argv[1]), sys.argv[2])
    REPORT.write_text(report(), encoding="utf-8")
