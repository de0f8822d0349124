from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keepshowingup.letters.compile import CompiledLetter
from keepshowingup.letters.compose import HelpNow, LetterValues, render
from keepshowingup.letters.environment import OUTPUT_LIMIT
from keepshowingup.letters.errors import LetterError
from keepshowingup.letters.values import SAMPLE
from tests.letters.samples import links_of, step, words_of

LETTER = step(
    'Hello *{{ first_name | default("friend") }}*, it is {{ article_title }}.\n', subject="{{ article_title }}"
)

# Everything a person or a form may send; control characters are no words, and HTML turns some of them into others.
anything = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=60)


@given(anything, anything)
@example("{{ 7*7 }}", "{% for x in why %}")
@example("<b>Eve</b>", "<script>alert(1)</script>")
@example("O'Brien", 'Dwayne "Rock"')
@example("& Sons", "x&amp;y &lt;b&gt; &#39;")
@example("美咲 陈", "👩‍👩‍👧 \U0001f331\U0010fffd")
@example("محمد", "שלום עולם")
@example("</title></style>-->", "]]> [[ x ]] [% y %]")
@example("zq0x0z", "{# a #}")
@settings(deadline=None)
def test_whatever_a_reader_is_called_is_shown_as_written(name: str, title: str) -> None:
    rendered = render(LETTER, LetterValues(first_name=name, article_title=title))
    said = f"Hello {name or 'friend'}, it is {title}."
    assert said in words_of(rendered.html)
    assert f"Hello _{name or 'friend'}_, it is {title}." in rendered.text
    assert rendered.subject == title


FOOTED = step("Hello.")
PLAIN_FOOTED = render(
    FOOTED, LetterValues(why="a", signature="a", postal_address="a", help_now=(HelpNow("a", "b", "c", "d"),))
).html


@given(anything.filter(bool), anything)
@settings(deadline=None)
def test_no_value_of_the_footer_becomes_markup(words: str, number: str) -> None:
    values = LetterValues(
        why=words, signature=words, postal_address=words, help_now=(HelpNow(words, number, words, words),)
    )
    rendered = render(FOOTED, values)
    links = [link for link in links_of(rendered.html) if not link.startswith(("tel:", "https://"))]
    assert links == []
    assert rendered.html.count("<") == PLAIN_FOOTED.count("<")
    assert words in words_of(rendered.html)
    assert words in rendered.text


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "/relative", " https://x.example", "HTTP://x"]
)
def test_an_address_that_is_no_web_address_never_reaches_a_letter(url: str) -> None:
    with pytest.raises(LetterError, match="article_url is not a web address"):
        LetterValues(article_url=url)


@pytest.mark.parametrize(
    ("number", "link"),
    [
        ("988", "tel:988"),
        ("0300 123 6600", "tel:03001236600"),
        ("+44 (0)20 7946-0958", "tel:+4402079460958"),
        ("findahelpline.com", "https://findahelpline.com"),
        ("ask at reception", None),
        ("javascript:alert(1)", None),
        ("", None),
    ],
)
def test_help_is_one_touch_away_where_there_is_a_number_or_a_page(number: str, link: str | None) -> None:
    html = render(step("Hello."), LetterValues(help_now=(HelpNow("Somebody", number),))).html
    assert links_of(html) == ([link] if link else [])


def rendered(source: str) -> str:
    return render(CompiledLetter(subject="x", preheader="", html=source, text="x"), SAMPLE).html


@pytest.mark.parametrize(
    "source",
    [
        "{{ 'x' * 10000000 }}",
        "{{ 9 ** 99999999 }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ '{:>1000000000}'.format(1) }}",
        "{{ first_name.center(1000000000) }}",
        "{{ first_name.__class__.__mro__ }}",
        "{{ help_now.__class__ }}",
        "{{ help_now[0].__class__ }}",
        "{{ help_now[0].count('a') }}",
        "{{ self.__init__.__globals__ }}",
        "{% for a in range(1000000000) %}{% endfor %}",
        "{{ lipsum(1000) }}",
        "{{ cycler }}",
        "{{ namespace() }}",
        "{% include 'step/body.html' %}",
        "{% import 'os' as os %}",
        "{{ why | safe }}",
        "{{ why | attr('__class__') }}",
        "{{ nothing }}",
        "{{ first_name.nothing }}",
        "{{ 1 / 0 }}",
        "{{ 1 + first_name }}",
        "{{ first_name ",
    ],
)
def test_a_template_can_do_nothing_but_show_what_it_was_given(source: str) -> None:
    with pytest.raises(LetterError):
        rendered(source)


def test_an_error_never_quotes_a_readers_values() -> None:
    with pytest.raises(LetterError) as raised:
        rendered("{{ first_name + 1 }}")
    assert "Maya" not in raised.value.message


def test_a_runaway_template_is_cut_off_at_2_mb() -> None:
    loops = (
        "{% for a in why %}{% for b in why %}{% for c in why %}" + "x" * 100 + "{% endfor %}{% endfor %}{% endfor %}"
    )
    with pytest.raises(LetterError, match="2 MB"):
        rendered(loops)


def test_just_below_the_limit_is_fine() -> None:
    source = "{% for a in 'ab' %}" + "x" * (OUTPUT_LIMIT // 2) + "{% endfor %}"
    assert len(rendered(source)) == OUTPUT_LIMIT


def test_values_are_escaped_in_attributes_too() -> None:
    html = render(step("[on]({{ article_url }})"), LetterValues(article_url='https://example.org/?a="><b>&x=1')).html
    assert links_of(html) == ['https://example.org/?a="><b>&x=1']
    assert "<b>" not in html
