"""One letter for one reader: values into a compiled letter, and the bytes of the message.

This runs once per letter sent, so it does nothing that could have been done once per revision.
"""

from __future__ import annotations

from jinja2 import TemplateError

from keepshowingup.letters.environment import OUTPUT_LIMIT, reader_template
from keepshowingup.letters.errors import CutOff, LetterError
from keepshowingup.letters.headers import LetterHeaders, write_headers
from keepshowingup.letters.lines import HelpNow
from keepshowingup.letters.pictures import with_pictures
from keepshowingup.letters.quoted import quoted_printable
from keepshowingup.letters.values import CompiledLetter, LetterValues, RenderedLetter

__all__ = ["CompiledLetter", "HelpNow", "LetterHeaders", "LetterValues", "RenderedLetter", "compose", "render"]


def render(letter: CompiledLetter, values: LetterValues) -> RenderedLetter:
    """The letter as this reader gets it. Values are data: what they hold is escaped in HTML and shown as written.

    Raises :class:`LetterError` when the template fails for these values or writes more than 2 MB.
    """
    return RenderedLetter(
        subject=_write(letter.subject, values, escaped=False),
        html=_write(letter.html, values, escaped=True),
        text=_write(letter.text, values, escaped=False),
    )


def _write(source: str, values: LetterValues, *, escaped: bool) -> str:
    if "{" not in source:
        return source
    pieces: list[str] = []
    written = 0
    try:
        template = reader_template(source, escaped=escaped)
        # generate() would do the same with one more generator around each piece.
        for piece in template.root_render_func(template.new_context(vars(values))):
            written += len(piece)
            if written > OUTPUT_LIMIT:
                raise CutOff("It writes more than 2 MB. Look for a loop that repeats itself.")
            pieces.append(piece)
    except TemplateError as error:
        raise LetterError(f"It can't be rendered: {error.message}.", part="letter") from error
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        # Without the error's own words: they may quote a reader's values, and this sentence may be logged.
        raise LetterError(f"It can't be rendered for these values ({type(error).__name__}).", part="letter") from error
    return "".join(pieces)


def compose(rendered: RenderedLetter, headers: LetterHeaders, enclosed: bytes = b"") -> bytes:
    """The complete message (RFC 5322), CRLF throughout, 7-bit: multipart/alternative, plain text before HTML.

    ``enclosed`` are pictures that come along, of :func:`keepshowingup.letters.pictures.enclose`.

    The same letter and headers give the same bytes, so a retry sends exactly what was sent before. Raises
    :class:`LetterError` for values that can't stand in a header.
    """
    before_html, behind_html = around_html(enclosed)
    return b"".join(
        (
            write_headers(headers, rendered.subject).encode("ascii"),
            BODY_START,
            quoted_printable(rendered.text),
            before_html,
            quoted_printable(rendered.html),
            behind_html,
        )
    )


# Quoted-printable never writes "=_", so this can't occur inside a part.
_BOUNDARY = b"=_letter"
_TOP = b'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="%b"\r\n\r\n' % _BOUNDARY
_PART = b'--%b\r\nContent-Type: text/%b; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
BODY_START = _TOP + _PART % (_BOUNDARY, b"plain")
"""What stands between the headers and the plain text."""


def around_html(enclosed: bytes) -> tuple[bytes, bytes]:
    """What stands between the plain text and the HTML, and behind that, where these pictures come along, or none."""
    if enclosed:
        return with_pictures(_BOUNDARY, enclosed)
    return _PART % (_BOUNDARY, b"html"), b"--%b--\r\n" % _BOUNDARY
