"""What readers' pages say, gathered from their templates and sources without the tools of gettext."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from django.template import engines
from django.template.base import Node, NodeList, TextNode
from django.template.loader_tags import IncludeNode
from django.templatetags.i18n import BlockTranslateNode, TranslateNode

from keepshowingup.audience import dates, joining, leaving, limits, notices, preferences
from keepshowingup.cadence import counting
from keepshowingup.core import address
from keepshowingup.letters.themes import theme_labels

WEB = Path(__file__).parents[2] / "src" / "keepshowingup" / "web"
SOURCES = sorted((WEB / "public").glob("*.py"))
TEMPLATES = ["base.html", "404.html", "500.html"] + [
    f"public/{path.name}" for path in sorted((WEB / "templates" / "public").glob("*.html"))
]
#: Rooms and the functions in them whose refusals a reader's page shows; empty for all of them.
OTHER_ROOMS: dict[ModuleType, set[str]] = {
    address: set(),
    joining: {"tidy_name"},
    limits: {"count_attempt"},
    leaving: {"take_back"},
    preferences: {"pause"},
    notices: {"owe_goodbye"},
    dates: {"check_date"},
    counting: {"count_from"},
}
FUNCTIONS = {"gettext": 1, "gettext_lazy": 1, "ngettext": 2}


class Said(NamedTuple):
    """A sentence a page says; ``plural`` is empty where there is none."""

    singular: str
    plural: str
    where: str


def said_in_templates() -> Iterator[Said]:
    """What stands between ``translate`` marks."""
    for name in TEMPLATES:
        template = engines["django"].get_template(name).template  # type: ignore[attr-defined]
        for node in _nodes(template.nodelist):
            if isinstance(node, TranslateNode) and isinstance(node.filter_expression.var.var, str):
                literal = node.filter_expression.var.literal
                if literal is not None:
                    yield Said(str(literal), "", name)
            elif isinstance(node, BlockTranslateNode):
                yield Said(node.render_token_list(node.singular)[0], "", name)


def said_in_sources() -> Iterator[Said]:
    """What stands in ``gettext`` and its kin."""
    for path in SOURCES:
        for call in ast.walk(ast.parse(path.read_text())):
            if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.func.id not in FUNCTIONS:
                continue
            words = [word.value for word in call.args[: FUNCTIONS[call.func.id]] if isinstance(word, ast.Constant)]
            if words:
                yield Said(str(words[0]), str(words[1]) if len(words) > 1 else "", path.name)


def said_in_other_rooms() -> Iterator[Said]:
    """What other rooms say to a reader who wrote something that can't be, and what they call the looks of letters."""
    for module, names in OTHER_ROOMS.items():
        tree = ast.parse(inspect.getsource(module))
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef) and (not names or function.name in names):
                known = {**vars(module), "what": "The name", "longest": joining.NAME_LENGTH}
                yield from (Said(sentence, "", function.name) for sentence in _sentences(function, known))
    yield from (Said(label, "", "themes") for label in theme_labels().values())


def _sentences(function: ast.FunctionDef, known: dict[str, object]) -> Iterator[str]:
    inside = {id(part) for text in ast.walk(function) if isinstance(text, ast.JoinedStr) for part in ast.walk(text)}
    docstring = id(function.body[0].value) if isinstance(function.body[0], ast.Expr) else 0
    for node in ast.walk(function):
        if isinstance(node, ast.JoinedStr):
            if not any(isinstance(part, ast.Constant) and " " in str(part.value) for part in node.values):
                continue
            sentence = str(eval(compile(ast.Expression(node), "", "eval"), known))  # our own source
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and not {id(node)} & (inside | {docstring}):
            sentence = node.value
        else:
            continue
        if " " in sentence and sentence.endswith("."):
            yield sentence


def bare_texts() -> Iterator[tuple[str, str]]:
    """Texts of templates that stand outside of marks: what no catalogue can reach."""
    for name in TEMPLATES:
        template = engines["django"].get_template(name).template  # type: ignore[attr-defined]
        text = "".join(node.s if isinstance(node, TextNode) else "\0" for node in _nodes(template.nodelist))
        yield name, text


def _nodes(nodes: NodeList) -> Iterator[Node]:
    for node in nodes:
        if isinstance(node, BlockTranslateNode | TranslateNode | TextNode | IncludeNode):
            yield node
            continue
        inner = [getattr(node, name) for name in node.child_nodelists if hasattr(node, name)]
        if not inner:
            yield node
        for each in inner:
            yield from _nodes(each)
