"""Mails of a corpus that the tester gives: read with their digests, and prepared for sending.

A corpus has a licence of its own and is never shipped. Its mails come from outside: what cannot be
sent is reported by the number of the mail, and left out.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from email.errors import HeaderParseError
from email.header import Header, decode_header, make_header
from email.utils import format_datetime, parseaddr
from pathlib import Path

from harness.errors import UsageError
from harness.model.mail_case import message_id_of
from harness.untrusted.regular_file import open_regular
from probes.mail.mbox import FROM_LINE, LINE_BYTES, mbox_mails
from probes.mail.mime_mail import Envelope
from probes.mail.raw_mail import MOST_BYTES as MOST_READ

MOST_BYTES = 10 * 1024 * 1024
"""The most bytes of a mail: what many servers accept (RFC 1870)."""
MOST_MAILS = 200_000
"""The most mails of a corpus."""
HEAD_BYTES, MOST_FIELDS = 256 * 1024, 500
"""The most bytes and fields of a header."""
LONGEST_LINE = 998
"""Bytes of a line without its end (RFC 5322 section 2.1.1)."""

_FIELD = re.compile(rb"([!-9;-~]{1,100})[ \t]*:(.*)", re.DOTALL)
_END_OF_HEAD = re.compile(rb"\r\n\r\n")
_LINE_END = re.compile(rb"\r\n|\r|\n")
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_NAMED = re.compile(r"\s*(?P<name>.*?)\s*<(?P<address>[^<>]*)>\s*", re.DOTALL)
_LONGEST_LOCAL, _LONGEST_NAME = 64, 200
_EMPTY_LINES = re.compile(rb"\r\n[ \t]+(?=\r\n|\Z)")
_NOT_ASCII = re.compile(rb"[^\x01-\x7f]")
_WORD_BYTES = 900
"""The most bytes of a word in a field whose lines are too long."""
_REPLACED = frozenset({"from", "to", "date", "message-id"})
_REMOVED = re.compile(
    r"received|dkim-signature|domainkey-signature|arc-.*|authentication-results|received-spf|"
    r"return-path|delivered-to|envelope-to|x-original-to|bcc|sender|resent-.*|errors-to|"
    r"return-receipt-to|disposition-notification-to|x-.*spam.*|x-rspamd.*|x-bogosity|x-virus.*|"
    r"status|x-status"
)
"""Fields of the way that a mail came, of earlier verdicts, and such as notify its old sender."""


def raw_mails(path: Path) -> Iterator[bytes]:
    """Yield the mails of an mbox file, of one file with one mail, or of all files of a folder.

    Of a folder the files that end in ``.eml``, in the order of their names, or if there are none
    all files but hidden ones. Of a large mail at least ``MOST_BYTES`` + 1 bytes are read. Raises
    OSError for what cannot be read.
    """
    for file in _files_of(path) if path.is_dir() else (path,):
        with open_regular(file) as stream:
            if FROM_LINE.match(stream.peek(LINE_BYTES)):
                yield from (mail.raw for mail in mbox_mails(stream))
            elif raw := stream.read(MOST_READ):
                yield raw


def _files_of(folder: Path) -> list[Path]:
    files = sorted(
        file for file in folder.iterdir() if file.is_file() and not file.name.startswith(".")
    )
    return [file for file in files if file.suffix.lower() == ".eml"] or files


def corpus_mails(path: Path, report: Callable[[str], None]) -> Iterator[tuple[str, bytes]]:
    """Yield the digest (32 hexadecimal digits) and the bytes of each mail of a corpus.

    ``path`` is as for ``raw_mails``. A mail that occurs again is yielded once; ``report`` gets one
    sentence for each mail that cannot be used. Raises UsageError if the corpus cannot be read, or
    holds no mail that can be used.
    """
    seen: set[str] = set()
    number = 0
    try:
        for number, raw in enumerate(raw_mails(path), 1):
            digest = hashlib.blake2b(raw, digest_size=16).hexdigest()
            if number > MOST_MAILS:
                report(f"{path}: mails after the first {MOST_MAILS} are left out")
                break
            if fault := _fault_in(raw):
                report(f"{path}: mail {number} is left out: {fault}")
            elif digest not in seen:
                seen.add(digest)
                yield digest, raw
    except OSError as error:
        msg = f"{error.filename or path}: cannot be read as mails: {error.strerror or error}"
        raise UsageError(msg) from None
    if not seen:
        what = f"none of its {number} mails can be used" if number else "it holds no mail"
        msg = f"{path}: {what}; give an mbox file, or a folder of files with one mail each"
        raise UsageError(msg)


def _fault_in(raw: bytes) -> str:
    """Return why a mail cannot be sent; empty if it can."""
    if len(raw) > MOST_BYTES:
        return f"it is larger than {MOST_BYTES // 1024**2} MiB"
    if b"\0" in raw:
        return "it holds a NUL byte"
    head, _ = _parted(raw)
    if len(head) > HEAD_BYTES:
        return f"its header is larger than {HEAD_BYTES // 1024} KiB"
    return _fault_in_fields(_fields_of(head))


def _fault_in_fields(fields: list[tuple[str, bytes]] | None) -> str:
    if fields is None:
        return "a line of its header is no field (RFC 5322 section 2.2)"
    if len(fields) > MOST_FIELDS:
        return f"its header has more than {MOST_FIELDS} fields"
    if [name for name, _ in fields].count("from") != 1:
        return "it has no field From, or several"
    return ""


def prepared(raw: bytes, envelope: Envelope, digest: str) -> bytes:
    """Return a mail of a corpus as it is sent: from and to those of the envelope, and dated now.

    Its subject, the name of its sender, its body with all parts, Reply-To and links stay. From has
    the domain of the envelope's sender. Fields of transport, signatures and earlier verdicts of
    filters are removed. Lines end with CRLF; longer ones than 998 bytes are broken, at a blank if
    there is one. The header is ASCII, the body may be of 8 bits. Raises ValueError for a mail that
    ``corpus_mails`` would leave out.
    """
    if fault := _fault_in(raw):
        msg = f"the mail of a corpus cannot be sent: {fault}"
        raise ValueError(msg)
    head, body = _parted(raw)
    lines = []
    for name, field in _fields_of(head) or ():
        if name == "from":
            lines += _own_fields(field, envelope, digest)
        elif name not in _REPLACED and not _REMOVED.fullmatch(name):
            lines.append(_sendable(name, field))
    pieces = (piece for line in body.split(b"\r\n") for piece in _pieces(line))
    return b"\r\n".join((*lines, b"", *pieces))


def _own_fields(field: bytes, envelope: Envelope, digest: str) -> list[bytes]:
    """Return the fields that replace those of the corpus; ``field`` is its From."""
    domain = envelope.sender_domain
    name, address = _sender_in(field.partition(b":")[2])
    local = address.rpartition("@")[0]
    if not _LOCAL.fullmatch(local) or len(local) > _LONGEST_LOCAL:
        local = envelope.sender.rpartition("@")[0]
    shown = f"{_phrase(name)}\r\n <{local}@{domain}>" if name else f"{local}@{domain}"
    return [
        f"From: {shown}".encode("ascii"),
        f"To: {envelope.recipient}".encode("ascii"),
        f"Date: {format_datetime(envelope.at)}".encode("ascii"),
        f"Message-ID: <{message_id_of(digest, domain)}>".encode("ascii"),
    ]


def _sender_in(value: bytes) -> tuple[str, str]:
    """Return the name and the address in the value of From; empty where there is none."""
    text = " ".join(_text_of(value).split())
    if named := _NAMED.fullmatch(text):
        name, address = named["name"], named["address"]
    else:
        name, address = parseaddr(text)
        address = address or text
    if name.startswith('"') and name.endswith('"') and len(name) > 1:
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    return _decoded(name)[:_LONGEST_NAME].strip(), address


def _decoded(text: str) -> str:
    """Return a text with its encoded words decoded (RFC 2047), as far as they are right."""
    try:
        decoded = str(make_header(decode_header(text)))
    except (LookupError, ValueError, HeaderParseError):
        decoded = text
    return "".join(one for one in decoded if one.isprintable())


def _phrase(name: str) -> str:
    """Return a display name as in a field: quoted, or in encoded words."""
    if not name.isascii() or len(name) > 60:  # noqa: PLR2004 - so that the line is not too long
        return Header(name, "utf-8", header_name="From").encode(linesep="\r\n")
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}"'


def _sendable(name: str, field: bytes) -> bytes:
    """Return a field in ASCII, without lines that are empty or too long.

    A subject that is not ASCII is put into encoded words. In other fields, which have a structure,
    bytes that are not ASCII become question marks.
    """
    bare = _EMPTY_LINES.sub(b"", field)
    value = bare.partition(b":")[2]
    if name == "subject" and not value.isascii():
        text = " ".join(_text_of(value).split())
        written = Header(text, "utf-8", header_name="Subject").encode(linesep="\r\n")
        return f"Subject: {written}".encode("ascii")
    bare = _NOT_ASCII.sub(b"?", bare)
    if max(map(len, bare.split(b"\r\n"))) <= LONGEST_LINE:
        return bare
    words = bare.split()
    parts = (
        word[at : at + _WORD_BYTES] for word in words for at in range(0, len(word), _WORD_BYTES)
    )
    return b"\r\n ".join(parts)


def _text_of(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _parted(raw: bytes) -> tuple[bytes, bytes]:
    """Return header and body of a mail, with CRLF as the end of lines."""
    whole = _LINE_END.sub(b"\r\n", raw)
    if whole.startswith(b"\r\n"):
        return b"", whole[2:]
    end = _END_OF_HEAD.search(whole)
    return (whole[: end.start()], whole[end.end() :]) if end else (whole.removesuffix(b"\r\n"), b"")


def _fields_of(head: bytes) -> list[tuple[str, bytes]] | None:
    """Return the fields of a header, folded as they are, with their names in lower case.

    None if a line of it is no field.
    """
    fields: list[tuple[str, bytes]] = []
    for field in re.split(rb"\r\n(?![ \t])", head):
        matched = _FIELD.fullmatch(field)
        if matched is None:
            return None
        fields.append((matched[1].decode("ascii").lower(), matched[1] + b":" + matched[2]))
    return fields


def _pieces(line: bytes) -> Iterator[bytes]:
    """Yield a line in pieces that are not too long."""
    while len(line) > LONGEST_LINE:
        blank = line.rfind(b" ", 1, LONGEST_LINE)
        end = blank if blank > 0 else LONGEST_LINE
        yield line[:end]
        line = line[end:]
    yield line
