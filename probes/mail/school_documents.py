"""Small harmless documents that are attached to letters: PDF, Word, a table, an appointment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from harness.model.upload_case import DOCUMENTS
from probes.mail.draws import Draws
from probes.mail.invented import FORENAMES, SURNAMES
from probes.mail.mime_mail import Attached
from probes.net.upload_documents import DOCUMENT_MAKERS

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


def _docx(title: str, text: str, draws: Draws, at: datetime) -> bytes:
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
    start = at + timedelta(days=3 + draws.number("days", 40))
    form = "%Y%m%dT%H0000Z"
    lines = (
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//School//Calendar//EN", "BEGIN:VEVENT",
        f"UID:{draws.hexadecimal('uid', 24)}", f"DTSTAMP:{at.strftime(form)}",
        f"DTSTART:{start.strftime(form)}", f"DTEND:{(start + timedelta(hours=1)).strftime(form)}",
        f"SUMMARY:{title[:60]}", "END:VEVENT", "END:VCALENDAR",
    )  # fmt: skip
    return "".join(f"{line}\r\n" for line in lines).encode()


_Make = Callable[[str, str, Draws, datetime], bytes]
_WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_KINDS: Mapping[str, tuple[str, _Make]] = {
    "pdf": ("application/pdf", _pdf),
    "docx": (_WORD, _docx),
    "csv": ("text/csv", _csv),
    "ics": ("text/calendar", _ics),
}
