"""Documents with invented content that are uploaded: a photo, office documents, a table, a picture.

Their bytes depend on their content alone.
"""

from __future__ import annotations

import base64
import io
import re
import struct
import zipfile
from collections.abc import Callable
from xml.sax.saxutils import escape

from harness.model.upload_case import DOCUMENTS

_PUPILS = re.compile(r"(\d{1,3}) invented pupils")
_EPOCH = (2026, 1, 1, 0, 0, 0)
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_SCHEMAS = "http://schemas.openxmlformats.org"
_LINKS = f"{_SCHEMAS}/officeDocument/2006/relationships"
_TYPES = "application/vnd.openxmlformats-officedocument"


def _table(text: str) -> list[tuple[str, ...]]:
    """The rows of a table: as many invented pupils as a text asks for, or the text alone.

    Their telephone numbers are those that Ofcom reserves for drama.
    """
    if not (asked := _PUPILS.search(text)):
        return [(text,)]
    pupils = range(1, int(asked[1]) + 1)
    return [("Name", "Telephone"), *((f"Pupil {one}", f"01632 960{one:03}") for one in pupils)]


def _csv(text: str) -> bytes:
    return "".join(f"{','.join(row)}\r\n" for row in _table(text)).encode()


def _word(text: str) -> bytes:
    """A Word document of one paragraph."""
    name = f"{_SCHEMAS}/wordprocessingml/2006/main"
    body = f"<w:body><w:p><w:r><w:t>{escape(text)}</w:t></w:r></w:p></w:body>"
    parts = {"word/document.xml": f'<w:document xmlns:w="{name}">{body}</w:document>'}
    return _office(parts, {"word/document.xml": "wordprocessingml.document.main"})


def _spreadsheet(text: str) -> bytes:
    """A zip archive with an Excel workbook of one sheet."""
    name = f"{_SCHEMAS}/spreadsheetml/2006/main"
    cell = '<c t="inlineStr"><is><t>{}</t></is></c>'
    rows = ("".join(cell.format(escape(value)) for value in row) for row in _table(text))
    data = "".join(f"<row>{row}</row>" for row in rows)
    sheets = '<sheets><sheet name="Sheet1" sheetId="1" r:id="r1"/></sheets>'
    parts = {
        "xl/workbook.xml": f'<workbook xmlns="{name}" xmlns:r="{_LINKS}">{sheets}</workbook>',
        "xl/sheet1.xml": f'<worksheet xmlns="{name}"><sheetData>{data}</sheetData></worksheet>',
        "xl/_rels/workbook.xml.rels": _link("worksheet", "sheet1.xml"),
    }
    types = {
        "xl/workbook.xml": "spreadsheetml.sheet.main",
        "xl/sheet1.xml": "spreadsheetml.worksheet",
    }
    return _archive({"class.xlsx": _office(parts, types)})


def _office(parts: dict[str, str], types: dict[str, str]) -> bytes:
    """An Office Open XML document (ECMA-376); the first of the parts is the main one."""
    of_parts = "".join(
        f'<Override PartName="/{name}" ContentType="{_TYPES}.{kind}+xml"/>'
        for name, kind in types.items()
    )
    of_links = "application/vnd.openxmlformats-package.relationships+xml"
    content_types = (
        f'<Types xmlns="{_SCHEMAS}/package/2006/content-types">'
        f'<Default Extension="rels" ContentType="{of_links}"/>{of_parts}</Types>'
    )
    main = _link("officeDocument", next(iter(parts)))
    whole = {"[Content_Types].xml": content_types, "_rels/.rels": main} | parts
    return _archive({name: (_XML + text).encode() for name, text in whole.items()})


def _link(kind: str, target: str) -> str:
    link = f'<Relationship Id="r1" Type="{_LINKS}/{kind}" Target="{target}"/>'
    return f'<Relationships xmlns="{_SCHEMAS}/package/2006/relationships">{link}</Relationships>'


def _archive(files: dict[str, bytes]) -> bytes:
    """A zip archive that depends on the files alone."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED)
    return written.getvalue()


def _picture(text: str) -> bytes:
    """A PNG picture of a text: what follows "with text", or all of it."""
    from PIL import Image, ImageDraw, ImageFont  # noqa: PLC0415 - needed for few uploads

    shown = text.rpartition("with text ")[2]
    font = ImageFont.load_default(32)
    drawn = Image.new("L", (int(font.getlength(shown)) + 64, 96), "white")
    ImageDraw.Draw(drawn).text((32, 24), shown, "black", font)
    written = io.BytesIO()
    drawn.save(written, "PNG")
    return written.getvalue()


DOCUMENT_MAKERS: dict[str, Callable[[str], bytes]] = {
    DOCUMENTS["docx"]: _word,
    DOCUMENTS["xlsx"]: _spreadsheet,
    DOCUMENTS["csv"]: _csv,
    DOCUMENTS["png"]: _picture,
}
"""How a document is made, by its words in a case."""

_JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAFA3PEY8MlBGQUZaVVBfeMiCeG5uePWvuZHI//////////////////////"
    "//////////////////////////////wAALCAAIAAgBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAAf/EABQQAQAAAAAA"
    "AAAAAAAAAAAAAAD/2gAIAQEAAD8AH//Z"
)
"""A picture of one grey."""


def photo() -> bytes:
    """Return a JPEG picture with an invented owner and a position in the North Sea (EXIF 2.3)."""
    artist = b"Robin Testperson\0"
    position = ((1, b"N\0"), (2, (55, 30, 0)), (3, b"E\0"), (4, (3, 0, 0)))
    start = 8 + 2 + 2 * 12 + 4
    gps = start + len(artist) + len(artist) % 2
    rationals = gps + 2 + len(position) * 12 + 4
    main = struct.pack("<H", 2)
    main += struct.pack("<HHII", 0x013B, 2, len(artist), start)
    main += struct.pack("<HHII", 0x8825, 4, 1, gps) + bytes(4)
    entries, values = struct.pack("<H", len(position)), b""
    for tag, value in position:
        if isinstance(value, bytes):
            entries += struct.pack("<HHI4s", tag, 2, len(value), value)
        else:
            entries += struct.pack("<HHII", tag, 5, 3, rationals + len(values))
            values += b"".join(struct.pack("<II", number, 1) for number in value)
    head = b"II*\0" + struct.pack("<I", 8) + main + artist + bytes(len(artist) % 2)
    exif = b"Exif\0\0" + head + entries + bytes(4) + values
    return _JPEG[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + _JPEG[2:]
