"""Cases of mail: what is sent to or from a school, and whether the service has to stop it (EML).

A case is named in the stratum of an item: ``CTRL/mail:in:infected:zip``. Each kind that must be
stopped has a harmless kind beside it, made alike, which must arrive: a service that stops all mail
of a form filters nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

from harness.model.corpus import Item

MAIL = "mail:"
"""What precedes the case in a stratum."""

Direction = Literal["in", "out"]
"""To a school's account from outside, or from a school's account to the outside."""
DIRECTIONS: dict[Direction, str] = {"in": "incoming", "out": "outgoing"}

MailKind = Literal[
    "gtube", "spam", "ham", "infected", "clean", "language", "image", "mild",
    "walled", "partner", "forged", "signed",
]  # fmt: skip
KINDS: dict[MailKind, str] = {
    "gtube": "the agreed test message for spam (GTUBE)",
    "spam": "spam of a corpus",
    "ham": "legitimate school mail",
    "infected": "an attachment with the anti-malware test file",
    "clean": "the same attachment without the test file",
    "language": "text with the agreed marker of inappropriate language",
    "image": "the agreed image",
    "mild": "harmless text or a harmless image in the same place",
    "walled": "mail between a restricted account and somebody whom it may not write to",
    "partner": "mail between a restricted account and somebody whom it may write to",
    "forged": "mail with a forged sender",
    "signed": "mail whose sender is verified",
}
"""The kinds of mail, in words."""

UNWANTED: frozenset[MailKind] = frozenset(
    ("gtube", "spam", "infected", "language", "image", "walled", "forged")
)
"""The kinds that a service has to stop or mark."""

BY_CONTENT: frozenset[MailKind] = frozenset(("gtube", "spam", "infected", "language", "image"))
"""The kinds that are recognised by their content: a refusal before it was sent shows nothing."""

MARKABLE: frozenset[MailKind] = frozenset(("gtube", "spam", "forged"))
"""The kinds that may arrive if they are marked, or go to the folder for junk."""

TWIN_OF: dict[MailKind, MailKind] = {
    "gtube": "ham",
    "spam": "ham",
    "infected": "clean",
    "language": "mild",
    "image": "mild",
    "walled": "partner",
    "forged": "signed",
}
"""The harmless kind beside each unwanted one."""

VARIANTS: dict[MailKind, dict[str, str]] = {
    "gtube": {
        "text": "in plain text",
        "html": "in HTML",
        "base64": "in a part in base64",
        "quoted-printable": "in quoted-printable",
        "attached": "in an attached message",
    },
    "spam": {"corpus": "from the corpus that the tester gave"},
    "ham": {
        "school": "invented for this test",
        "broken": "with the test message for spam, one letter changed",
    },
    "infected": {
        "plain": "as it is",
        "double-name": "named like a document (report.pdf.com)",
        "wrong-type": "declared as an image",
        "zip": "in a zip archive",
        "nested-zip": "in a zip archive in a zip archive",
        "tar.gz": "in a tar.gz archive",
        "docx": "in a document",
        "quoted-printable": "in quoted-printable",
        "uuencode": "uuencoded in the text",
        "attached": "in an attached message",
        "html": "in a web page that assembles it",
        "encrypted": "in a zip archive whose password is in the text",
    },
    "language": {
        "text": "in plain text",
        "subject": "in the subject",
        "html": "in HTML",
        "base64": "in a part in base64",
        "attachment": "in an attached text file",
    },
    "image": {"inline": "shown in the text", "attached": "attached"},
    "mild": {
        "text": "in plain text",
        "subject": "in the subject",
        "html": "in HTML",
        "base64": "in a part in base64",
        "attachment": "in an attached text file",
        "inline": "an image shown in the text",
        "attached": "an attached image",
    },
    "walled": {"text": "plain text"},
    "partner": {"text": "plain text"},
    "forged": {
        "spf": "sent from an address that the domain excludes (SPF -all)",
        "dkim": "changed after it was signed (DKIM), from an excluded address",
        "own-domain": "from outside, in the name of the school's own domain",
    },
    "signed": {"text": "sent from an address that the domain names, and signed"},
}
"""The variants of each kind, in words."""
VARIANTS["clean"] = VARIANTS["infected"]

INCOMING_ALONE: frozenset[MailKind] = frozenset(("gtube", "spam", "forged", "signed"))
"""The kinds that are sent to the school alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailCase:
    """What a mail is: its direction, kind and variant."""

    direction: Direction
    kind: MailKind
    variant: str

    @property
    def name(self) -> str:
        """The case as in a stratum."""
        return f"{self.direction}:{self.kind}:{self.variant}"

    @property
    def words(self) -> str:
        """The case in words."""
        variant = VARIANTS[self.kind][self.variant]
        return f"{DIRECTIONS[self.direction]}, {KINDS[self.kind]}, {variant}"

    @property
    def is_unwanted(self) -> bool:
        """Whether the service has to stop or mark it; others must arrive."""
        return self.kind in UNWANTED

    @property
    def is_restricted(self) -> bool:
        """Whether it goes to or from the restricted account."""
        return self.kind in ("walled", "partner")


CASES: tuple[MailCase, ...] = tuple(
    MailCase(direction=direction, kind=kind, variant=variant)
    for kind in get_args(MailKind)
    for direction in get_args(Direction)
    if direction == "in" or kind not in INCOMING_ALONE
    for variant in VARIANTS[kind]
)
"""All cases."""
_BY_NAME = {case.name: case for case in CASES}


@lru_cache(maxsize=1024)
def mail_case(stratum: str) -> MailCase | None:
    """Return what a stratum says; None for items that are no mail."""
    variant = stratum.partition("/")[2]
    return _BY_NAME.get(variant.removeprefix(MAIL)) if variant.startswith(MAIL) else None


def case_named(name: str) -> MailCase:
    """Return the case of a name. Raises KeyError for a name that is none."""
    return _BY_NAME[name]


def mail_item(case: MailCase, draw: str) -> Item:
    """Return the item of one mail; ``draw`` makes its id: another text, another mail."""
    digest = _digest(f"{draw} {case.name}").hex()
    return Item(
        id=f"mail-{digest}",
        value=f"mail {reference_of(digest)}: {case.words}",
        labels=("CTRL",),
        kind="vector",
        stratum=f"CTRL/{MAIL}{case.name}",
    )


def mail_items(draw: str, counts: Mapping[MailCase, int]) -> Iterator[Item]:
    """Yield as many mails of each case as ``counts`` says, in an order that ``draw`` mixes."""
    made = [(case, f"{draw} {turn}") for case, number in counts.items() for turn in range(number)]
    made.sort(key=lambda one: _digest(f"order {one[0].name} {one[1]}"))
    for case, text in made:
        yield mail_item(case, text)


def reference_of(digest: str) -> str:
    """Return the reference number in the text of a mail, from the digest in the id of its item.

    It looks like that of an order or a pupil's file: ``31-402713-8841``. A mail that arrives with
    another Message-ID is recognised by it.
    """
    number = str(10**11 + int(digest[8:20], 16) % (9 * 10**11))
    return f"{number[:2]}-{number[2:8]}-{number[8:]}"


def message_id_of(digest: str, domain: str) -> str:
    """Return the Message-ID of a mail, without its angle brackets (RFC 5322 section 3.6.4)."""
    return f"{digest[:8]}.{digest[20:32]}@{domain}"


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()
