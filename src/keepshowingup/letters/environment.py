"""Where templates are found, and the three environments that read them.

A letter is made in two moments, and each has its own brackets. When a letter is *compiled*, once per revision,
``[[ … ]]`` and ``[% … %]`` are answered: layout, words, the Markdown body. When it is *rendered*, for each reader,
``{{ … }}`` and ``{% … %}`` are: the reader's values. So nothing of a reader ever enters a template's source.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, select_autoescape
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from keepshowingup.core.errors import PartMissing, WrongUsage
from keepshowingup.letters.lines import Foot, HelpNow

HERE = Path(__file__).resolve().parent
#: Characters one rendered part of a letter may have. What is longer is a runaway template.
OUTPUT_LIMIT = 2 * 1024 * 1024

_NUMBER = re.compile(r"\+?[0-9][0-9 ()./-]*\Z")
_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+(/[A-Za-z0-9/_.-]*)?\Z")


def template_folders() -> list[Path]:
    """Folders of letters, the first that has a file wins: the operator's, the package's, the checkout's.

    Raises :class:`WrongUsage` when ``KSU_TEMPLATES`` names no folder, :class:`PartMissing` when there is none at all.
    """
    folders = []
    if named := os.environ.get("KSU_TEMPLATES", ""):
        if not Path(named).is_dir():
            raise WrongUsage(f"KSU_TEMPLATES names {named}, which is not a folder. Make it, or unset KSU_TEMPLATES.")
        folders.append(Path(named).resolve())
    # A wheel has them beside this file; an editable install does not, its files are where they were written.
    folders += filter(Path.is_dir, (HERE / "emails", HERE.parents[2] / "templates" / "emails"))
    if not folders:
        raise PartMissing("The letters' templates are not there. Install keepshowingup again.")
    return folders


def layout_environment() -> Environment:
    """The environment of the first moment, over today's :func:`template_folders`: square brackets, HTML escaped."""
    return _layout_over(tuple(template_folders()))


@lru_cache(maxsize=4)
def _layout_over(folders: tuple[Path, ...]) -> Environment:
    """Kept, because reading the templates takes as long as all the rest; a file that was changed is read again."""
    return Environment(
        loader=FileSystemLoader(folders),
        autoescape=select_autoescape(("html",), default=False),
        undefined=StrictUndefined,
        variable_start_string="[[",
        variable_end_string="]]",
        block_start_string="[%",
        block_end_string="%]",
        comment_start_string="[#",
        comment_end_string="#]",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def default(value: str, fallback: str, when_empty: bool = True) -> str:
    """The value, or the fallback where this reader has none. ``when_empty`` is Jinja's own way to ask for just that."""
    return value or fallback


def prefix(value: str, before: str) -> str:
    """The value with ``before`` in front of it, or nothing at all where this reader has none."""
    return f"{before}{value}" if value else ""


def suffix(value: str, after: str) -> str:
    """The value followed by ``after``, or nothing at all where this reader has none."""
    return f"{value}{after}" if value else ""


def reach(number: str) -> str:
    """The address that calls a number or opens a host's page; empty for anything else, such as "ask at reception"."""
    if _NUMBER.match(number):
        return "tel:" + re.sub(r"[^0-9+]", "", number)
    return f"https://{number}" if _HOST.match(number) else ""


#: Filters a Markdown body may use, with the number of quoted words each takes.
BODY_FILTERS: dict[str, tuple[Callable[..., str], int]] = {
    "default": (default, 1),
    "prefix": (prefix, 1),
    "suffix": (suffix, 1),
    "capitalize": (str.capitalize, 0),
    "lower": (str.lower, 0),
    "upper": (str.upper, 0),
}


class ReaderSandbox(ImmutableSandboxedEnvironment):
    """Values, conditions and loops over what is there; no calls, no multiplying, nothing to import.

    Multiplying and ``%`` are how a line of template becomes 200 MB, calls are how it becomes anything.
    """

    intercepted_binops = frozenset({"*", "**", "%"})

    def __init__(self, *, escaped: bool) -> None:
        super().__init__(
            autoescape=escaped,
            undefined=StrictUndefined,
            keep_trailing_newline=True,
            # Plain text is laid out in lines, so a line that only holds a statement leaves none behind.
            trim_blocks=not escaped,
            lstrip_blocks=not escaped,
            cache_size=0,
        )
        self.globals.clear()
        self.tests.clear()
        self.filters.clear()
        self.filters |= {name: function for name, (function, _) in BODY_FILTERS.items()}
        self.filters["reach"] = reach

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Only what a line of help, the foot and a loop have; a value is words and has none worth naming."""
        if type(obj) is HelpNow or type(obj) is Foot:
            return attr in obj._fields
        return type(obj) is LoopContext and not attr.startswith("_")

    def is_safe_callable(self, obj: Any) -> bool:
        """Nothing is called; filters are the only functions."""
        return False

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> NoReturn:
        """Refuse the operators of ``intercepted_binops``."""
        raise SecurityError(f"a letter can't calculate with {operator}")


HTML = ReaderSandbox(escaped=True)
TEXT = ReaderSandbox(escaped=False)


@lru_cache(maxsize=512)
def reader_template(source: str, *, escaped: bool) -> Template:
    """A compiled letter's source, ready to render. Compiling takes milliseconds, so each source is kept."""
    return (HTML if escaped else TEXT).from_string(source)
