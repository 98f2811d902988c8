"""Addresses of pages: names as parts of a path, values of a query, and places in a long list.

A name may hold any character. In a path a slash is written ``~s``, a full stop ``~d``, and a tilde
``~~``, because servers and browsers change paths with slashes and full stops before they are read.
"""

from __future__ import annotations

import base64
import binascii
import re
from functools import lru_cache
from typing import TypeVar
from urllib.parse import quote, urlencode

import msgspec

from reports.dashboard.access import NotHere, Refusal

LONGEST = 1000
"""The most characters of a name or value in an address."""

MOST_NUMBER = 2**31 - 1
"""The largest number of a row."""

_ESCAPES = {"~": "~~", "/": "~s", ".": "~d", "\\": "~b"}
_ESCAPED = re.compile(r"~([~sdb]?)")
_CHARACTERS = {escape[1]: character for character, escape in _ESCAPES.items()}
_DIGEST = re.compile(r"[0-9a-f]{64}")

Place = TypeVar("Place")


class FaultyAddress(Refusal):
    """A value of an address cannot be read."""

    def __init__(self) -> None:
        super().__init__(
            400,
            "This address cannot be read",
            "A part of the address is missing or was changed. Go back, and use the links and "
            "buttons.",
        )


def address(*names: str, **values: str) -> str:
    """The path to a page by the names in it, and the values of its query that are not empty."""
    path = "".join(f"/{segment(name)}" for name in names)
    given = {name: value for name, value in values.items() if value}
    return f"{path}?{urlencode(given)}" if given else path


@lru_cache(maxsize=4096)
def segment(name: str) -> str:
    """A name as one part of a path; letters, digits, hyphens and underscores stay as they are."""
    escaped = "".join(_ESCAPES.get(character, character) for character in name)
    return quote(escaped, safe="~")


def name_in(part: str) -> str:
    """The name in a part of a path, which is percent-decoded already. Raises NotHere."""
    return checked(_ESCAPED.sub(_character, part))


def _character(found: re.Match[str]) -> str:
    try:
        return _CHARACTERS[found[1]]
    except KeyError:
        raise NotHere from None


def checked(value: str) -> str:
    """A value of an address as it is. Raises NotHere for what no database can hold."""
    if len(value) > LONGEST or "\x00" in value or any("\ud800" <= one <= "\udfff" for one in value):
        raise NotHere
    return value


def number_in(part: str) -> int:
    """The number of a row in a part of a path. Raises NotHere."""
    if not (part.isascii() and part.isdigit() and len(part) <= len(str(MOST_NUMBER))):
        raise NotHere
    number = int(part)
    if number > MOST_NUMBER:
        raise NotHere
    return number


def digest_in(part: str) -> str:
    """A SHA-256 of 64 hexadecimal digits in a part of a path. Raises NotHere."""
    if _DIGEST.fullmatch(part) is None:
        raise NotHere
    return part


def place_after(*values: object) -> str:
    """A place in a list as a value of an address."""
    return base64.urlsafe_b64encode(msgspec.json.encode(values)).decode().rstrip("=")


def place_in(text: str, decoder: msgspec.json.Decoder[Place]) -> Place | None:
    """The place that a value of an address names; ``None`` if it is empty.

    Raises FaultyAddress.
    """
    if not text:
        return None
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        place = decoder.decode(raw)
    except (binascii.Error, ValueError, msgspec.MsgspecError, RecursionError):
        raise FaultyAddress from None
    if any("\x00" in each for each in _texts(place)):
        raise FaultyAddress
    return place


def _texts(place: object) -> list[str]:
    return [each for each in place if isinstance(each, str)] if isinstance(place, tuple) else []
