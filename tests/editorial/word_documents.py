"""Word files as Word and LibreOffice write them (ECMA-376), part by part."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_SPACES = (
    f'xmlns:w="{_W}" xmlns:r="{_R}" xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
    'xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/picture"'
)
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_OFFICE = "application/vnd.openxmlformats-officedocument.wordprocessingml"

#: Style ids and names: Word's, and LibreOffice's.
WORD = {"Title": "Title", "Heading1": "heading 1", "Heading2": "heading 2", "ListParagraph": "List Paragraph",
        "Quote": "Quote"}  # fmt: skip
LIBREOFFICE = {"Title": "Title", "Heading1": "Heading 1", "Heading2": "Heading 2", "TextBody": "Body Text",
               "Quotations": "Quotations"}  # fmt: skip


def run(text: str, marks: str = "") -> str:
    """A run of words; ``marks`` are its properties, such as ``<w:b/>``."""
    return f'<w:r><w:rPr>{marks}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def paragraph(inside: str, style: str = "", *, item: tuple[int, int] | None = None) -> str:
    """A paragraph of runs; ``item`` is its list and its level."""
    props = f'<w:pStyle w:val="{style}"/>' if style else ""
    if item:
        props += f'<w:numPr><w:ilvl w:val="{item[1]}"/><w:numId w:val="{item[0]}"/></w:numPr>'
    return f"<w:p><w:pPr>{props}</w:pPr>{inside if inside.startswith('<') else run(inside)}</w:p>"


def link(relation: str, text: str) -> str:
    """A link to the address of a relationship."""
    return f'<w:hyperlink r:id="{relation}">{run(text)}</w:hyperlink>'


def image(relation: str, words: str, *, linked: bool = False) -> str:
    """A picture in line with the text, embedded or only linked."""
    blip = f'<a:blip r:{"link" if linked else "embed"}="{relation}"/>'
    return (
        f'<w:r><w:drawing><wp:inline><wp:docPr id="1" name="Picture 1" descr="{words}"/><a:graphic><a:graphicData '
        f'uri="http://schemas.openxmlformats.org/drawingml/2006/picture"><pic:pic><pic:blipFill>{blip}</pic:blipFill>'
        "</pic:pic></a:graphicData></a:graphic></wp:inline></w:drawing></w:r>"
    )


def table(*rows: tuple[str, ...]) -> str:
    """A table of words."""
    cells = ["".join(f"<w:tc>{paragraph(cell)}</w:tc>" for cell in row) for row in rows]
    return f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in cells)}</w:tbl>"


def document(
    body: str,
    *,
    styles: Mapping[str, str] = WORD,
    links: Mapping[str, str] | None = None,
    images: Mapping[str, bytes] | None = None,
    parts: Mapping[str, bytes] | None = None,
    author: str = "Ada Quay",
) -> bytes:
    """A .docx file; ``images`` are by file name in ``word/media``, each with the relationship ``r`` and that name."""
    images = dict(images or {})
    relations = "".join(
        f'<Relationship Id="{name}" Type="{_R}/hyperlink" Target="{target}" TargetMode="External"/>'
        for name, target in (links or {}).items()
    ) + "".join(f'<Relationship Id="r{name}" Type="{_R}/image" Target="media/{name}"/>' for name in images)
    written = "".join(
        f'<w:style w:type="paragraph" w:styleId="{key}"><w:name w:val="{name}"/></w:style>'
        for key, name in styles.items()
    )
    levels = "".join(
        f'<w:abstractNum w:abstractNumId="{number}">' + "".join(
            f'<w:lvl w:ilvl="{level}"><w:numFmt w:val="{form}"/></w:lvl>' for level in range(3)
        ) + "</w:abstractNum>"
        for number, form in ((1, "bullet"), (2, "decimal"))
    )  # fmt: skip
    numbers = "".join(f'<w:num w:numId="{n}"><w:abstractNumId w:val="{n}"/></w:num>' for n in (1, 2))
    files: dict[str, bytes] = {
        "[Content_Types].xml": (
            f'{_HEAD}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Default Extension="png" ContentType="image/png"/><Default Extension="jpeg" ContentType="image/jpeg"/>'
            f'<Override PartName="/word/document.xml" ContentType="{_OFFICE}.document.main+xml"/>'
            f'<Override PartName="/word/styles.xml" ContentType="{_OFFICE}.styles+xml"/>'
            f'<Override PartName="/word/numbering.xml" ContentType="{_OFFICE}.numbering+xml"/>'
            f'<Override PartName="/word/comments.xml" ContentType="{_OFFICE}.comments+xml"/></Types>'
        ).encode(),
        "_rels/.rels": (
            f'{_HEAD}<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            f'<Relationship Id="r1" Type="{_R}/officeDocument" Target="word/document.xml"/></Relationships>'
        ).encode(),
        "docProps/core.xml": (
            f'{_HEAD}<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties"'
            f' xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:creator>{author}</dc:creator></cp:coreProperties>'
        ).encode(),
        "word/_rels/document.xml.rels": (
            f'{_HEAD}<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            f'<Relationship Id="s" Type="{_R}/styles" Target="styles.xml"/>'
            f'<Relationship Id="n" Type="{_R}/numbering" Target="numbering.xml"/>'
            f'<Relationship Id="c" Type="{_R}/comments" Target="comments.xml"/>{relations}</Relationships>'
        ).encode(),
        "word/document.xml": f"{_HEAD}<w:document {_SPACES}><w:body>{body}</w:body></w:document>".encode(),
        "word/styles.xml": f"{_HEAD}<w:styles {_SPACES}>{written}</w:styles>".encode(),
        "word/numbering.xml": f"{_HEAD}<w:numbering {_SPACES}>{levels}{numbers}</w:numbering>".encode(),
        "word/comments.xml": (
            f'{_HEAD}<w:comments {_SPACES}><w:comment w:id="0" w:author="Boss">{paragraph("Delete this!")}</w:comment>'
            "</w:comments>"
        ).encode(),
        **{f"word/media/{name}": data for name, data in images.items()},
        **dict(parts or {}),
    }
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()
