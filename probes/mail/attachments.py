"""Files that are attached to mails: small documents, and the anti-malware test file in containers.

The test file exists in memory alone (``probes.net.file_contents.eicar``). Beside it there is a
harmless text in the same containers.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from harness.model.upload_case import DOCUMENTS
from probes.mail.invented import BOOKS, FORENAMES, PLACES, SURNAMES, Draws
from probes.mail.mime_mail import Attached
from probes.net.file_contents import PASSWORD, eicar
from probes.net.upload_documents import DOCUMENT_MAKERS
from probes.range.file_containers import INNER, NAMING, in_container

NAMES = ("letter", "notes", "details", "form", "information", "plan", "list", "reply-slip")
"""The names of files, without their extension and year."""


def file_name(draws: Draws, extension: str, name: str = "file") -> str:
    """Return the name of a file in ASCII; ``name`` is that of the drawing."""
    number = draws.number(f"{name} number", 90)
    return f"{draws.one_of(name, NAMES)}-{10 + number}.{extension}"


def document(kind: str, title: str, text: str, draws: Draws, at: datetime) -> Attached:
    """Return a document of a kind that ``Letter.attached`` names."""
    media_type, make = _KINDS[kind]
    return Attached(file_name(draws, kind), media_type, make(title, text, draws, at))


def _pdf(title: str, text: str, draws: Draws, at: datetime) -> bytes:
    """A PDF file of one page with some lines of text (ISO 32000-1)."""
    del draws, at
    lines = [title, *(text[start : start + 80] for start in range(0, len(text), 80))]
    shown = "".join(f"({_pdf_string(line)}) Tj T*\n" for line in lines[:50])
    page = f"BT /F1 11 Tf 14 TL 56 780 Td\n{shown}ET".encode("latin-1", "replace")
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources 6 0 R >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(page), page),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Font << /F1 5 0 R >> >>",
    )
    whole, starts = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        starts.append(len(whole))
        whole += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % start for start in starts)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    end = b"trailer\n<< /Size %d /Root 1 0 R >>\n" % (len(objects) + 1)
    return whole + head + table + end + b"startxref\n%d\n%%%%EOF\n" % len(whole)


def _pdf_string(text: str) -> str:
    return text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")


def _word_document(title: str, text: str, draws: Draws, at: datetime) -> bytes:
    del draws, at
    return DOCUMENT_MAKERS[DOCUMENTS["docx"]](f"{title}. {text}")


def _csv(title: str, text: str, draws: Draws, at: datetime) -> bytes:
    """A table of invented pupils, with telephone numbers that Ofcom reserves for drama."""
    del title, text, at
    rows = ["Name,Class,Telephone"]
    for row in range(6 + draws.number("rows", 12)):
        name = draws.one_of(f"name {row}", FORENAMES)
        surname = draws.one_of(f"surname {row}", SURNAMES)
        rows.append(f"{name} {surname},{draws.one_of('group', 'ABC')},01632 960{row:03}")
    return "".join(f"{row}\r\n" for row in rows).encode()


def _ics(title: str, text: str, draws: Draws, at: datetime) -> bytes:
    """An appointment of one hour (RFC 5545)."""
    del text
    at = at.astimezone(UTC)
    title = title[:60].replace(",", "\\,").replace(";", "\\;")
    start = at + timedelta(days=3 + draws.number("days", 40))
    form = "%Y%m%dT%H0000Z"
    lines = (
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//School//Calendar//EN", "BEGIN:VEVENT",
        f"UID:{draws.hexadecimal('uid', 24)}", f"DTSTAMP:{at.strftime(form)}",
        f"DTSTART:{start.strftime(form)}", f"DTEND:{(start + timedelta(hours=1)).strftime(form)}",
        f"SUMMARY:{title}", "END:VEVENT", "END:VCALENDAR",
    )  # fmt: skip
    return "".join(f"{line}\r\n" for line in lines).encode()


_Make = Callable[[str, str, Draws, datetime], bytes]
_WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_KINDS: Mapping[str, tuple[str, _Make]] = {
    "pdf": ("application/pdf", _pdf),
    "docx": (_WORD, _word_document),
    "csv": ("text/csv", _csv),
    "ics": ("text/calendar", _ics),
}


IN_TEXT = "uuencode"
"""The variant whose file is no attachment."""

PASSWORD_SENTENCE = f"The password of the archive is: {PASSWORD.decode('ascii')}"
"""The sentence with the password of an encrypted archive."""

_OCTETS = "application/octet-stream"
_EMBEDDED = "word/embeddings/oleObject1.bin"


def payload(draws: Draws, *, infected: bool) -> bytes:
    """Return the test file, or as many bytes of a harmless text."""
    test_file = eicar()
    if infected:
        return test_file
    text = f"Books: {draws.one_of('first', BOOKS)}; visit to {draws.one_of('second', PLACES)}; "
    return f"{text}bring a pencil, please. Thank you very much.".ljust(len(test_file), ".").encode(
        "ascii"
    )[: len(test_file)]


def uuencoded(file: bytes, draws: Draws) -> str:
    """Return a file as lines of a text (POSIX uuencode)."""
    return NAMING["uuencode"](file, file_name(draws, "txt")).decode("ascii").rstrip("\n")


def attachment(variant: str, file: bytes, draws: Draws) -> Attached:
    """Return the attachment of a variant of ``infected``. Raises KeyError for one without."""
    return _MAKERS[variant](file, draws)


def _plain(file: bytes, draws: Draws) -> Attached:
    return Attached(file_name(draws, "txt"), _OCTETS, file)


def _double_name(file: bytes, draws: Draws) -> Attached:
    return Attached(file_name(draws, "pdf.com"), _OCTETS, file)


def _wrong_type(file: bytes, draws: Draws) -> Attached:
    return Attached(file_name(draws, "png"), "image/png", file)


def _quoted(file: bytes, draws: Draws) -> Attached:
    return Attached(file_name(draws, "txt"), _OCTETS, file, "quoted-printable")


def _inner(draws: Draws, extension: str = "txt") -> str:
    return file_name(draws, extension, f"inner {extension}")


def _zip(file: bytes, draws: Draws) -> Attached:
    archive = NAMING["zip"](file, _inner(draws))
    return Attached(file_name(draws, "zip"), "application/zip", archive)


def _nested(file: bytes, draws: Draws) -> Attached:
    archive = NAMING["zip"](NAMING["zip"](file, _inner(draws)), _inner(draws, "zip"))
    return Attached(file_name(draws, "zip"), "application/zip", archive)


def _tar_gz(file: bytes, draws: Draws) -> Attached:
    archive = in_container(NAMING["tar"](file, _inner(draws)), ("gz",))
    return Attached(file_name(draws, "tar.gz"), "application/gzip", archive)


def _docx(file: bytes, draws: Draws) -> Attached:
    """A Word document of one paragraph with the file as an embedded object."""
    text = f"Notes on {draws.one_of('subject of document', BOOKS)}"
    written = io.BytesIO(DOCUMENT_MAKERS[DOCUMENTS["docx"]](text))
    with zipfile.ZipFile(written, "a") as archive:
        archive.writestr(zipfile.ZipInfo(_EMBEDDED, (2026, 1, 1, 0, 0, 0)), file)
    return Attached(file_name(draws, "docx"), _WORD, written.getvalue())


def _html(file: bytes, draws: Draws) -> Attached:
    page = in_container(file, ("html base64 smuggling",))
    named = page.replace(INNER.encode(), _inner(draws).encode())
    return Attached(file_name(draws, "html"), "text/html", named)


def _encrypted(file: bytes, draws: Draws) -> Attached:
    archive = NAMING["encrypted"](file, _inner(draws))
    return Attached(file_name(draws, "zip"), "application/zip", archive)


_MAKERS: Mapping[str, Callable[[bytes, Draws], Attached]] = {
    "plain": _plain,
    "double-name": _double_name,
    "wrong-type": _wrong_type,
    "zip": _zip,
    "nested-zip": _nested,
    "tar.gz": _tar_gz,
    "docx": _docx,
    "quoted-printable": _quoted,
    "html": _html,
    "encrypted": _encrypted,
}
