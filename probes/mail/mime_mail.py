"""Put text, pictures and files together as a mail, in bytes (RFC 5322, RFC 2045 to 2049).

All lines are ASCII, so that any server can carry the mail, and end with CRLF. Boundaries are drawn,
in the forms that common software uses; no field names a program, because a filter compares such a
name with the habits of that program.
"""

from __future__ import annotations

import base64
import string
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage, MIMEPart
from email.utils import format_datetime
from html import escape
from typing import Literal, NamedTuple

from probes.mail.invented import Draws

WIDTH = 72
"""The longest lines of a text that is broken into lines."""

TextCoding = Literal["7bit", "quoted-printable", "base64"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """The sender and the recipient of a mail (RFC 5321), and when it is written (aware).

    ``school_domain`` is the domain of the school's accounts. Raises ValueError for addresses that
    are not ASCII or have no domain, and for a time without its zone.
    """

    sender: str
    recipient: str
    school_domain: str
    at: datetime

    def __post_init__(self) -> None:
        for address in (self.sender, self.recipient):
            local, _, domain = address.rpartition("@")
            if not (local and domain and address.isascii() and address.isprintable()):
                msg = f"{address!r} is not an address of mail in ASCII, such as office@example.org"
                raise ValueError(msg)
        if self.at.tzinfo is None:
            msg = "the time of a mail needs a zone"
            raise ValueError(msg)

    @property
    def sender_domain(self) -> str:
        """The domain of the sender."""
        return self.sender.rpartition("@")[2]


class Attached(NamedTuple):
    """A file in a mail, with its media type; ``coding`` is how it is encoded."""

    name: str
    media_type: str
    body: bytes
    coding: Literal["base64", "quoted-printable"] = "base64"


class Fields(NamedTuple):
    """The fields of a mail's header; ``sender`` and ``recipient`` are addresses."""

    sender: str
    display: str
    recipient: str
    subject: str
    at: datetime
    message_id: str
    further: tuple[tuple[str, str], ...] = ()


def plain_text(blocks: Iterable[str]) -> str:
    """Return paragraphs as plain text; words, however long, are never parted."""
    return "\n\n".join(map(_filled, blocks)) + "\n"


def _filled(block: str) -> str:
    if "\n" in block:
        return block
    return textwrap.fill(block, WIDTH, break_long_words=False, break_on_hyphens=False)


def html_text(blocks: Iterable[str], draws: Draws, picture: str = "") -> str:
    """Return paragraphs as a page; ``picture`` is the Content-ID of a picture below them."""
    font = draws.one_of("font", ("Arial, sans-serif", "Calibri", "Verdana, sans-serif", "Georgia"))
    shown = "\n".join(map(_element, blocks))
    if picture:
        shown += f'\n<p><img src="cid:{picture}" alt="Picture" width="128" height="128"></p>'
    return (
        f'<html>\n<head>\n<meta charset="utf-8">\n</head>\n<body style="font-family: {font}">\n'
        f"{shown}\n</body>\n</html>\n"
    )


def _element(block: str) -> str:
    if block.startswith(">"):
        quoted = "\n".join(line.lstrip("> ") for line in block.splitlines())
        return f"<blockquote>\n{_lines(quoted)}\n</blockquote>"
    return f"<p>\n{_lines(block)}\n</p>"


def _lines(block: str) -> str:
    return "<br>\n".join(escape(_filled(line), quote=False) for line in block.splitlines())


def text_part(text: str, subtype: str = "plain", coding: TextCoding | None = None) -> EmailMessage:
    """Return a part of text; without ``coding`` it is encoded only if it has to be."""
    part = EmailMessage(policy=policy.SMTP)
    charset = "us-ascii" if text.isascii() and coding is None else "utf-8"
    chosen = coding or ("7bit" if text.isascii() else "quoted-printable")
    if coding == "quoted-printable":
        part["Content-Type"] = f'text/{subtype}; charset="utf-8"'
        part["Content-Transfer-Encoding"] = coding
        part.set_payload(fully_quoted(text.replace("\n", "\r\n").encode()))
    else:
        part.set_content(text, subtype=subtype, charset=charset, cte=chosen)
    del part["MIME-Version"]
    return part


def fully_quoted(body: bytes) -> str:
    """Return bytes in quoted-printable, all that is no letter, digit or line end as ``=XX``.

    RFC 2045 section 6.7 allows that. A text of ASCII would otherwise be the same as plain.
    """
    kept = frozenset((string.ascii_letters + string.digits).encode())
    lines = []
    for source in body.split(b"\r\n"):
        line = ""
        for byte in source:
            piece = chr(byte) if byte in kept else f"={byte:02X}"
            if len(line) + len(piece) > 75:  # noqa: PLR2004 - 76 with the soft line break
                lines.append(line + "=")
                line = ""
            line += piece
        lines.append(line)
    return "\n".join(lines)


def file_part(file: Attached, content_id: str = "") -> MIMEPart:
    """Return a file as a part: an attachment, or with ``content_id`` shown in the text."""
    part = MIMEPart(policy=policy.SMTP)
    part["Content-Type"] = f'{file.media_type}; name="{file.name}"'
    part["Content-Transfer-Encoding"] = file.coding
    disposition = "inline" if content_id else "attachment"
    part["Content-Disposition"] = f'{disposition}; filename="{file.name}"'
    if content_id:
        part["Content-ID"] = f"<{content_id}>"
    if file.coding == "base64":
        part.set_payload(base64.encodebytes(file.body).decode("ascii"))
    else:
        part.set_payload(fully_quoted(file.body))
    return part


def message_part(message: EmailMessage) -> MIMEPart:
    """Return a message as an attachment (message/rfc822)."""
    part = MIMEPart(policy=policy.SMTP)
    part.set_content(message, disposition="attachment", cte="7bit")
    return part


def joined(subtype: str, parts: Iterable[MIMEPart]) -> EmailMessage:
    """Return parts as one: *mixed*, *alternative* or *related* (RFC 2046 section 5.1)."""
    whole = EmailMessage(policy=policy.SMTP)
    whole["Content-Type"] = f"multipart/{subtype}"
    for part in parts:
        whole.attach(part)  # type: ignore[arg-type] # typeshed wants the type of the whole
    return whole


def with_fields(content: EmailMessage, fields: Fields, draws: Draws) -> EmailMessage:
    """Return a content with the fields of a mail, in one of the usual orders."""
    host, _, domain = fields.sender.rpartition("@")
    to, _, to_domain = fields.recipient.rpartition("@")
    values: dict[str, object] = {
        "From": Address(fields.display, host, domain),
        "To": Address("", to, to_domain),
        "Subject": fields.subject,
        "Date": format_datetime(fields.at),
        "Message-ID": f"<{fields.message_id}>",
        "MIME-Version": "1.0",
    }
    order = draws.one_of(
        "order",
        (("From", "To", "Subject", "Date", "Message-ID", "MIME-Version"),
         ("Date", "From", "To", "Message-ID", "Subject", "MIME-Version"),
         ("Message-ID", "Date", "MIME-Version", "Subject", "To", "From"),
         ("From", "Date", "Subject", "Message-ID", "To", "MIME-Version")),
    )  # fmt: skip
    mail = EmailMessage(policy=policy.SMTP)
    for name in order:
        mail[name] = values[name]
    for name, value in (*fields.further, *content.items()):
        mail[name] = value
    mail.set_payload(content.get_payload())
    return mail


def mail_bytes(mail: EmailMessage, draws: Draws) -> bytes:
    """Return the bytes of a mail, each part of several with a boundary of its own."""
    several = [part for part in mail.walk() if part.get_content_maintype() == "multipart"]
    for number, part in enumerate(several):
        part.set_boundary(_boundary(draws, number))
    return mail.as_bytes()


def _boundary(draws: Draws, number: int) -> str:
    name = f"boundary {number}"
    kind = draws.number("kind of boundary", 3)
    if kind == 0:
        return f"b{number + 1}_{draws.hexadecimal(name, 32)}"
    if kind == 1:
        return f"=_{draws.hexadecimal(name, 40)}"
    return f"==============={draws.number(name, 10**19):019}=="
