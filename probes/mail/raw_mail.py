"""Read the raw bytes of a mail: what identifies it, how it was marked, and what it holds.

Mails come from outside: any bytes are read, in bounded time and memory, and nothing here raises for
them. What is beyond the limits is left out. Fields that a mail had before it was sent cannot be
told from those that a server wrote: compare what is found with what is found in the mail as sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain, groupby, islice
from typing import get_args

from harness.model.received_mail import MOST_WORDS, NOTE, Held, ReceivedMail
from probes.mail.mail_traces import numbers_in, plain, traces_of, wording_of
from probes.mail.marks import LANGUAGE_MARKER, gtube
from probes.net.file_contents import CLIENT, contents, eicar
from probes.range.image_card import is_agreed
from probes.range.page_reading import visible_readings
from probes.receivers.alert_text import (
    LONGEST_ADDRESS,
    MOST_PARTS,
    OpenedParts,
    Part,
    clean,
    decoded_header,
    header_fields,
    media_type_of,
    opened_parts,
    text_of,
)

MOST_BYTES = 30 * 1024 * 1024
"""The most bytes of a mail that are read; ``size`` counts all."""
MOST_RECIPIENTS = 100
MOST_IDS, MOST_REFERENCES, MOST_MARKS, MOST_RESULTS = 500, 500, 12, 6
"""The most of each that are kept of a mail."""
LONGEST_ID, LONGEST_VALUE = 320, 500
"""The most characters of a Message-ID, and of a field."""
TEXT_BYTES, MOST_TEXT = 512 * 1024, 2 * 1024 * 1024
"""The most bytes of a text, and of all texts, that are searched."""

OPENING = replace(CLIENT, members=500, files=2000, total=32 * 1024 * 1024)
"""How far the containers in a mail are opened: its parts share ``total``."""
LEAST_TOTAL = 1024 * 1024

Fields = Sequence[tuple[str, str]]
"""Header fields in their order, each with its name in lower case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpamField:
    """A field by which products mark spam: its name, and the values that say so."""

    name: str
    value: str
    products: str

    def matches(self, name: str, value: str) -> bool:
        """Whether a field marks spam. Values are compared without regard to case."""
        is_named = re.fullmatch(self.name, name) is not None
        return is_named and re.match(self.value, value, re.IGNORECASE) is not None


SPAM_FIELDS = tuple(
    SpamField(name=name, value=value, products=products)
    for name, value, products in (
        ("x-spam-flag", r"yes\b", "SpamAssassin, Amavis, rspamd, Sophos"),
        ("x-spam-status", r"yes\b", "SpamAssassin, Amavis, rspamd, Stalwart"),
        ("x-spam", r"(?:yes|spam)\b", "rspamd"),
        ("x-ms-exchange-organization-scl", r"[5-9]\b", "Microsoft Exchange"),
        (
            "x-forefront-antispam-report",
            r"(?:.*;)?\s*(?:SFV:(?:SPM|SKS|SKB)|SCL:[5-9])\s*(?:;|$)",
            "Microsoft 365",
        ),
        ("x-barracuda-spam-(?:flag|status)", r"yes\b", "Barracuda"),
        ("x-proofpoint-spam-details", r"(?:.*\s)?rule=(?:\w+_)?spam\b", "Proofpoint"),
        ("x-tm-as-result", r"yes\b", "Trend Micro"),
        ("x-(?:klms|kse)-antispam-status", r"(?:probable[_ ])?spam\b", "Kaspersky"),
        ("x-purgate-type", r"spam\b", "eXpurgate"),
        ("x-vr-spamstate", r"spam\b", "Vade"),
        ("x-(?:[a-z0-9._]+-){0,8}mailscanner-spamcheck", r"spam\b", "MailScanner"),
        ("x-hmailserver-spam", r"yes\b", "hMailServer"),
        ("x-assp-spam", r"yes\b", "ASSP"),
        ("x-bogosity", r"(?:spam|yes)\b", "Bogofilter"),
        ("x-dspam-result", r"(?:spam|bl[ao]cklisted)\b", "DSPAM"),
        ("x-spambayes-classification", r"spam\b", "SpamBayes"),
        ("x-crm114-status", r"spam\b", "CRM114"),
    )
)
"""The fields that count as marks. Those that only state a score are none."""

_TAG = re.compile(
    r"""
    [\[({<*\#=_~!|>-]{1,10}\s{0,2}
    (?:(?:suspected|possible|possibly|probable|probably|potential|likely)[\s:_-]{1,2})?
    (?:spam|junk|junk[\s-]?mail|ube)
    (?:[\s:]{0,3}[\d.,/]{1,12})?
    \s{0,2}(?:[\])}>*\#=_~!|?:]|-(?![a-z]))
    |
    spam\s?[:>]
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""A subject that begins with a tag: ``[SPAM]``, ``***SPAM***``, ``{Spam?}``, ``Spam:``."""

_ID = re.compile(r"<([^<>\s]{1,320})>")
_ID_LINE = re.compile(r"(?:[Mm]essage-[Ii][Dd]|MESSAGE-ID):\s{0,20}<([^<>\s]{1,320})>")
_ID_FIELDS = re.compile(r"(?:[a-z-]{1,40}-)?(?:original|resent)-message-id|in-reply-to|references")
_UUENCODED = re.compile(rb"^begin [0-7]{3,4} [^\r\n]{1,255}\r?$", re.MULTILINE)
_FILE_NAME = re.compile(r"\b(?:file)?name\*?\d?\*?\s*=", re.IGNORECASE)
_REPORTS = ("message/delivery-status", "message/disposition-notification", "text/rfc822-headers")
_READABLE = ("text/", "application/xhtml+xml", *_REPORTS)
_LANGUAGE = re.compile(LANGUAGE_MARKER.pattern.encode("ascii"))


def read_mail(
    raw: bytes,
    *,
    at: datetime,
    to: Iterable[str] = (),
    sender: str = "",
    size: int | None = None,
) -> ReceivedMail:
    """Return what is known of a mail; ``at`` (aware), ``to`` and ``sender`` are of its envelope.

    ``size`` is that of the whole mail if ``raw`` is only its beginning. Never raises for what a
    mail holds.
    """
    size = len(raw) if size is None else size
    raw = raw[:MOST_BYTES]
    fields, body = header_fields(raw)
    headers = dict(reversed(fields))
    opened = _with_quoted(opened_parts(headers, body))
    subject, *others = (
        decoded_header(one.get("subject", "")) for one in (headers, *opened.enclosed)
    )
    found = _Found.of(raw, [subject, *others], opened.parts)
    files = (part for part in opened.parts if _is_file(part))
    if opened.enclosed and media_type_of(headers.get("content-type", "")) != "multipart/report":
        found.holds.add("attachment")
    words = wording_of(found.texts)
    return ReceivedMail(
        at=at.astimezone(UTC),
        to=_bounded(filter(None, map(address_of, to)), MOST_RECIPIENTS),
        sender=_sender(sender),
        message_ids=_message_ids(fields, opened, found.ids),
        references=_bounded(found.references, MOST_REFERENCES),
        traces=traces_of(raw, (headers, *opened.enclosed), files),
        words=words,
        is_automatic=_is_automatic(headers),
        is_cut=len(opened.parts) >= MOST_PARTS or len(words) >= MOST_WORDS,
        spam_marks=_bounded(spam_marks(fields, subject), MOST_MARKS),
        results=_bounded(_results(fields), MOST_RESULTS),
        holds=tuple(one for one in get_args(Held) if one in found.holds),
        size=size,
    )


def address_of(text: str) -> str:
    """Return an address as it is kept: in lower case, without angle brackets, bounded."""
    return clean(text, LONGEST_ADDRESS).strip("<>").lower()


def spam_marks(fields: Fields, subject: str) -> Iterator[str]:
    """Yield the fields by which a mail is marked as spam, and its subject if that has a tag."""
    for name, value in fields:
        if name.startswith("x-") and any(one.matches(name, value) for one in SPAM_FIELDS):
            yield _shown("-".join(word.capitalize() for word in name.split("-")), value)
    if _TAG.match(subject):
        yield _shown("Subject", subject)


def _results(fields: Fields) -> Iterator[str]:
    """Yield the results of checks of the sender that the last server wrote.

    Servers add fields above those that are there (RFC 8601 section 4), so these are the topmost
    ones, up to the next Received field, of one server. Others may be forged by the sender. So may
    these, where no server wrote any.
    """
    server = ""
    for name, value in fields:
        if name == "received" and server:
            return
        if name == "received-spf":
            server = server or " "
            yield _shown("Received-SPF", value)
        elif name == "authentication-results":
            own = value.partition(";")[0].strip().lower()
            if not server.strip():
                server = own or " "
            if own == server.strip():
                yield _shown("Authentication-Results", value)


def _message_ids(fields: Fields, opened: OpenedParts, quoted: Iterable[str]) -> tuple[str, ...]:
    """Return the Message-ID of a mail, empty if it has none, and those of other mails in it."""
    own = next((value for name, value in fields if name == "message-id"), "")
    enclosed = [headers.get("message-id", "") for headers in opened.enclosed]
    others = [value for name, value in fields if name == "message-id" or _ID_FIELDS.fullmatch(name)]
    found = chain([next(_ids(own), "")], *map(_ids, enclosed), quoted, *map(_ids, others))
    ids = _bounded(found, MOST_IDS)
    return ids if any(ids) else ()


def _ids(value: str) -> Iterator[str]:
    """Yield the Message-IDs in a field; one without angle brackets counts where it is alone."""
    found = _ID.findall(value)
    bare = clean(value, LONGEST_ID)
    if not found and bare and not re.search(r"[\s<>]", bare):
        found = [bare]
    for one in found:
        yield clean(one, LONGEST_ID)


def _with_quoted(opened: OpenedParts) -> OpenedParts:
    """Add the headers that a notice quotes of another mail (RFC 3462) to those of enclosed ones."""
    quoted = (part for part in opened.parts if part.media_type == "text/rfc822-headers")
    headers = [dict(reversed(header_fields(part.content)[0])) for part in quoted]
    return OpenedParts(opened.parts, [*opened.enclosed, *headers])


@dataclass(frozen=True, slots=True)
class _Found:
    """What the contents of a mail show."""

    holds: set[Held]
    references: list[str]
    ids: list[str]
    texts: list[str]

    @classmethod
    def of(cls, raw: bytes, subjects: Sequence[str], parts: Sequence[Part]) -> _Found:
        """Search subjects and parts as a person sees them, and the files in them."""
        found = cls(_agreed_contents(raw, parts), [], [], [])
        for text in subjects:
            found.search(text)
        left = MOST_TEXT
        for part in parts:
            if left > 0 and part.media_type.startswith(_READABLE):
                content = part.content[: min(TEXT_BYTES, left)]
                left -= len(content)
                for text, _ in groupby(visible_readings(content, _typed(part))):
                    found.search(text)
        shown = (replace(one, body=one.body[:MOST_TEXT]) for one in parts if not _is_file(one))
        if text_of(shown):
            found.holds.add("text")
        if any(map(_is_file, parts)) or any(_has_uuencoded(part) for part in parts):
            found.holds.add("attachment")
        return found

    def search(self, text: str) -> None:
        """Look for numbers, Message-IDs and agreed texts."""
        shown = plain(text)
        self.texts.append(shown)
        self.references.extend(islice(numbers_in(shown), MOST_REFERENCES))
        ids = islice(_ID_LINE.finditer(text), MOST_IDS)
        self.ids.extend(clean(one[1]) for one in ids)
        if gtube() in shown:
            self.holds.add("GTUBE")
        if LANGUAGE_MARKER.search(shown):
            self.holds.add("language marker")


def _agreed_contents(raw: bytes, parts: Sequence[Part]) -> set[Held]:
    """Return what the parts of a mail hold, and the mail as it is, with containers opened."""
    total = max(LEAST_TOTAL, OPENING.total // (len(parts) + 1))
    opening = replace(OPENING, total=total, each=min(OPENING.each, total))
    test_string, spam, found = eicar(), gtube().encode("ascii"), set[Held]()
    for whole in (*(part.content for part in parts), raw):
        for data in contents(whole, opening):
            if test_string in data:
                found.add("test string")
            if spam in data:
                found.add("GTUBE")
            if _LANGUAGE.search(data):
                found.add("language marker")
            if is_agreed(data):
                found.add("agreed image")
    return found


def _is_automatic(headers: Mapping[str, str]) -> bool:
    """Whether a mail says that a program wrote it."""
    by = headers.get("auto-submitted", "no").partition(";")[0].strip().lower()
    return by != "no" or media_type_of(headers.get("content-type", "")) == "multipart/report"


def _is_file(part: Part) -> bool:
    """Whether a part is a file, and no text to read: it has a name, or is of another type."""
    if part.media_type in _REPORTS or part.media_type.startswith("multipart/"):
        return False
    declared = f"{part.headers.get('content-disposition', '')};{part.headers.get('content-type')}"
    is_text = part.media_type.startswith(_READABLE)
    return part.is_attachment or not is_text or _FILE_NAME.search(declared) is not None


def _has_uuencoded(part: Part) -> bool:
    return part.media_type == "text/plain" and _UUENCODED.search(part.body[:MOST_TEXT]) is not None


def _typed(part: Part) -> str:
    return part.headers.get("content-type", "") or "charset=utf-8"


def _bounded(values: Iterable[str], most: int) -> tuple[str, ...]:
    """Return the first ``most`` different values."""
    found: dict[str, None] = {}
    for value in values:
        found.setdefault(value)
        if len(found) >= most:
            break
    return tuple(found)


def _shown(name: str, value: str) -> str:
    return f"{clean(name, LONGEST_VALUE)}: {clean(' '.join(value.split()), LONGEST_VALUE)}"


def _sender(text: str) -> str:
    """Return the sender of the envelope; one that is named like a note is shown in brackets."""
    sender = address_of(text)
    return f"<{sender}>" if sender == NOTE else sender
