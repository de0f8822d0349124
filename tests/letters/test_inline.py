"""The pitfalls of inlining, each one seen before it was avoided."""

from __future__ import annotations

import logging

import pytest

from keepshowingup.letters.environment import reader_template
from keepshowingup.letters.errors import LetterError
from keepshowingup.letters.inline import inline

PAGE = (
    "<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'><style>{css}</style></head><body>{body}</body></html>"
)


def inlined(body: str, css: str = "p { color: #123456; }") -> str:
    return inline(PAGE.replace("{css}", css).replace("{body}", body), "step/body.html")


def rendered(source: str, **values: object) -> str:
    return reader_template(source, escaped=True).render(**values)


def test_styles_move_into_the_elements_and_the_doctype_stays() -> None:
    out = inlined("<p>Hello</p>")
    assert out.startswith("<!DOCTYPE html>")
    assert '<p style="color:#123456">Hello</p>' in out
    assert "<style" not in out


def test_expressions_survive_in_addresses_attributes_and_text_with_their_quotes() -> None:
    body = '<p title="{{ why }}"><a href="{{ article_url }}">{{ first_name | default("a & <b>") }}</a></p>'
    out = inlined(body)
    assert 'href="{{ article_url }}"' in out
    assert '{{ first_name | default("a & <b>") }}' in out
    shown = rendered(out, why="x", article_url="https://e.org/?a=1&b=2", first_name="")
    assert 'href="https://e.org/?a=1&amp;b=2"' in shown
    assert "a &amp; &lt;b&gt;" in shown


def test_conditions_and_loops_keep_their_place_between_table_rows() -> None:
    out = inlined(
        "<table><tbody>{% for row in help_now %}{% if row < 'b' %}<tr><td><p>{{ row }}</p></td></tr>{% endif %}"
        "{% endfor %}</tbody></table>"
    )
    shown = rendered(out, help_now=["a", "a", "c"])
    assert shown.count('<tr><td><p style="color:#123456">a</p></td></tr>') == 2
    assert "c</p>" not in shown


def test_media_rules_stay_and_keep_their_force_over_inlined_styles() -> None:
    out = inlined(
        "<p>Hello</p>", "p { color: #123456; } @media (prefers-color-scheme: dark) { p { color: #ffffff !important; } }"
    )
    assert "@media (prefers-color-scheme: dark) { p { color: #fff !important" in out
    assert '<p style="color:#123456">' in out


def test_comment_safe_conditions_for_outlook_survive() -> None:
    out = inlined(
        "<!--[if mso]><table><tr><td><![endif]--><p>a</p><!--[if mso]></td></tr></table><![endif]-->"
        "<!--[if !mso]><!--><p>b</p><!--<![endif]-->"
    )
    assert "<!--[if mso]><table><tr><td><![endif]-->" in out
    assert "<!--[if !mso]><!-->" in out
    assert "<!--<![endif]-->" in out


def test_characters_of_every_plane_survive_as_themselves() -> None:
    out = inlined("<p>żółć 你好 שלום 🌱 &nbsp;&mdash;&amp;&lt;</p>")
    assert "żółć 你好 שלום 🌱 \xa0—&amp;&lt;" in out


def test_template_comments_are_dropped() -> None:
    assert "secret" not in inlined("<p>a{# secret #}b</p>")


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ("<p {% if why %}class='a'{% endif %}>x</p>", "inside the tag"),
        ("<p class='{% if why %}a{% endif %}'>x</p>", "inside the tag"),
        ("<p style='color: {{ why }}'>x</p>", 'style=""'),
        ("<p><!-- {% if why %} --></p>", "no room"),
        ("<title>{% if why %}a{% endif %}</title>", "no room"),
        ("{% raw %}{{ x }}{% endraw %}", "raw"),
        ("<p>{{ why </p>", "not closed"),
        ("<img src='https://example.org/p.gif'>", "<img>"),
        ("<script>1</script>", "<script>"),
        ("<link rel=stylesheet href='https://example.org/a.css'>", "<link>"),
        ("<form action='https://example.org'></form>", "<form>"),
        ("<p onclick='x()'>x</p>", "onclick"),
        ("<table background='https://example.org/a.png'></table>", "background"),
        ("<p style='background:url(https://example.org/a.png)'>x</p>", "url("),
        ("<a href='javascript:x()'>x</a>", "must start with"),
        ("<![if !mso]><p>x</p><![endif]>", "<!--[if mso]>"),
    ],
)
def test_what_inlining_would_break_or_a_mail_program_would_fetch_is_refused(body: str, word: str) -> None:
    with pytest.raises(LetterError) as raised:
        inlined(body)
    assert raised.value.part == "step/body.html"
    assert word in raised.value.message


@pytest.mark.parametrize(
    ("css", "word"),
    [
        ("p { color: {{ why }}; }", "CSS"),
        ("@import 'https://example.org/a.css';", "@import"),
        ("@font-face { font-family: a; src: url(https://example.org/a.woff) }", "@font-face"),
        ("p { background: url(https://example.org/a.png) }", "url("),
        ("p:first-child { color: red }", ":first"),
        ("p + p { color: red }", "+"),
        ("* { color: red }", "*"),
        ("p:not(.a) { color: red }", ":not"),
    ],
)
def test_css_that_inlining_gets_wrong_is_refused(css: str, word: str) -> None:
    with pytest.raises(LetterError) as raised:
        inlined("<p>x</p>", css)
    assert word in raised.value.message


def test_structural_selectors_in_media_rules_are_the_readers_programs_business() -> None:
    assert "p:first-child" in inlined("<p>x</p>", "@media print { p:first-child { color: red !important; } }")


def test_nothing_is_logged_about_styles_only_some_programs_know(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        out = inlined("<p>x</p>", "p { mso-hide: all; -webkit-text-size-adjust: 100%; line-height: 1.5 }")
    assert "mso-hide:all" in out
    assert not caplog.records


def test_inlining_twice_gives_the_same() -> None:
    body = "<p class='a'>{{ why }}</p>"
    css = ".a { color: #123456 } @media print { .a { color: #fff !important } }"
    assert inlined(body, css) == inlined(body, css)
