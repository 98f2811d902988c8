"""Attachments that hold the anti-malware test file, or a harmless text in its place.

The test file exists in memory alone (``probes.net.file_contents.eicar``).
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping

from harness.model.upload_case import DOCUMENTS
from probes.mail.draws import Draws
from probes.mail.invented import BOOKS, PLACES
from probes.mail.mime_mail import Attached
from probes.mail.school_documents import file_name
from probes.net.file_contents import PASSWORD, eicar
from probes.net.upload_documents import DOCUMENT_MAKERS
from probes.range.file_containers import INNER, NAMING, in_container

IN_TEXT = "uuencode"
"""The variant whose file is no attachment."""

PASSWORD_SENTENCE = f"The password of the archive is: {PASSWORD.decode('ascii')}"
"""The sentence with the password of an encrypted archive."""

_OCTETS = "application/octet-stream"
_WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
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
