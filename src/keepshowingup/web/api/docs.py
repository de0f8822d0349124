"""The API's description as a page: plain HTML made from the OpenAPI document; no script, nothing from elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from ninja import NinjaAPI
from ninja.openapi.docs import DocsBase


@dataclass(frozen=True)
class Field:
    """One value that goes in or comes out."""

    name: str
    kind: str
    required: bool
    words: str


@dataclass(frozen=True)
class Operation:
    """One thing that can be asked."""

    anchor: str
    method: str
    path: str
    summary: str
    words: str
    takes: tuple[Field, ...]
    answers: tuple[tuple[str, str, tuple[Field, ...]], ...]


class PlainDocs(DocsBase):
    """Renders ``api/docs.html``."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        """The page."""
        document = api.get_openapi_schema()
        context = {
            "title": document["info"]["title"],
            "version": document["info"]["version"],
            "words": document["info"]["description"],
            "openapi": self.get_openapi_url(api, kwargs),
            "groups": groups_of(document),
        }
        return render(request, "api/docs.html", context)


def groups_of(document: dict[str, Any]) -> list[tuple[str, list[Operation]]]:
    """The operations of an OpenAPI document by their first tag, in the document's order."""
    groups: dict[str, list[Operation]] = {}
    for path, methods in document["paths"].items():
        for method, said in methods.items():
            group = (said.get("tags") or ["other"])[0]
            groups.setdefault(group, []).append(_operation(path, method, said, document))
    return list(groups.items())


def _operation(path: str, method: str, said: dict[str, Any], document: dict[str, Any]) -> Operation:
    takes = [
        Field(one["name"], _kind(one["schema"]), one.get("required", False), one["schema"].get("description", ""))
        for one in said.get("parameters", [])
    ]
    body = said.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    answers = []
    for status, answer in said["responses"].items():
        if int(status) >= 400:  # every refusal has one form, which the page tells once
            continue
        schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
        answers.append((str(status), _kind(schema), _fields(schema, document)))
    return Operation(
        anchor=said["operationId"],
        method=method.upper(),
        path=path,
        summary=said.get("summary", ""),
        words=said.get("description", "").replace("``", ""),
        takes=(*takes, *_fields(body or {}, document)),
        answers=tuple(answers),
    )


def _fields(schema: dict[str, Any], document: dict[str, Any]) -> tuple[Field, ...]:
    schema = schema.get("items", schema)
    reference = schema.get("$ref", "").rpartition("/")[2]
    found = document.get("components", {}).get("schemas", {}).get(reference, schema)
    needed = found.get("required", [])
    return tuple(
        Field(name, _kind(said), name in needed, said.get("description", ""))
        for name, said in found.get("properties", {}).items()
    )


def _kind(schema: dict[str, Any]) -> str:
    """A value's type in a few words: ``text``, ``list of Place``, ``number or nothing``."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if alternatives := schema.get("anyOf", schema.get("allOf")):
        return " or ".join(dict.fromkeys(_kind(one) for one in alternatives))
    if "enum" in schema or "const" in schema:
        return " or ".join(f"'{one}'" for one in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    names = {"string": "text", "integer": "number", "boolean": "true or false", "null": "nothing"}
    kind = str(schema.get("type", ""))
    return "moment" if schema.get("format") == "date-time" else names.get(kind, kind)
