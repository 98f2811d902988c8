"""Transfers that measure speed (PRF): pages, downloads, videos in segments, uploads, small pages.

They look like ordinary school traffic, so that a service cannot be quick for speed tests alone:
hosts and paths are ordinary and used once, no request bears a mark of a test, sizes vary, and the
content is random. How much an address transfers is encrypted in it with the key of the origin
(``sized_path``), so that the origin knows it and nobody else.

What a transfer is stands in the stratum of its item: ``CTRL/transfer:video:alone:3:0:480000``.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple, get_args

from harness.model.corpus import Item
from harness.model.origin_zone import RANGE_ZONE

TRANSFER = "transfer:"
"""What precedes the transfer in a stratum."""

Form = Literal["page", "download", "video", "upload", "small"]
"""A page with three pictures, a file, a video in three segments, a file sent, or a short page."""

Situation = Literal["alone", "sample", "load", "beside"]
"""Alone on the line; one of the transfers at once of a sample of the bandwidth; one of those that
load the line; or beside these."""

Direction = Literal["down", "up"]

FORMS: dict[Form, str] = {
    "page": "web pages",
    "download": "downloads",
    "video": "videos",
    "upload": "uploads",
    "small": "response times",
}
"""What is compared with the control line (PRF-02), in words."""

Sizes = Mapping[Form, tuple[int, int]]
"""The least and most bytes of transfers, by their form."""

SIZES: Sizes = {
    "page": (60_000, 240_000),
    "download": (200_000, 600_000),
    "video": (300_000, 700_000),
    "upload": (150_000, 450_000),
    "small": (300, 1500),
}
"""The least and most bytes of a transfer alone on the line."""

MOST_BYTES = 1024 * 1024
"""The most bytes of one request or answer."""

RECEIVED = "received"
"""What precedes the receipt of an upload in the origin's answer."""

_TOKEN = re.compile(r"[0-9a-f]{24}")
_FOLDERS: dict[Form, tuple[str, str]] = {
    "page": ("lessons/", ".html"),
    "download": ("files/", ".zip"),
    "video": ("video/", ".m4s"),
    "upload": ("homework/", ""),
    "small": ("news/", ".html"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """What a transfer is: its form and situation, the round and sample it is of, and its bytes."""

    form: Form
    situation: Situation
    round: int
    sample: int
    size: int

    @property
    def direction(self) -> Direction:
        """Whether most bytes come down the line or go up."""
        return "up" if self.form == "upload" else "down"

    @property
    def stratum(self) -> str:
        """The transfer as the stratum of an item."""
        words = self.form, self.situation, self.round, self.sample, self.size
        return f"CTRL/{TRANSFER}{':'.join(map(str, words))}"


class SizedRequest(NamedTuple):
    """One request of a transfer: its URL, method, and the bytes of its answer or its body."""

    url: str
    method: Literal["GET", "POST"]
    size: int


@lru_cache(maxsize=4096)
def transfer_of(stratum: str) -> Transfer | None:
    """Return what a stratum says; None for items that are no transfers."""
    words = stratum.removeprefix(f"CTRL/{TRANSFER}").split(":")
    if not stratum.startswith(f"CTRL/{TRANSFER}") or len(words) != 5:  # noqa: PLR2004 - its words
        return None
    form, situation, *numbers = words
    is_known = form in get_args(Form) and situation in get_args(Situation)
    if not is_known or not all(one.isascii() and one.isdigit() for one in numbers):
        return None
    turn, sample, size = map(int, numbers)
    return Transfer(form=form, situation=situation, round=turn, sample=sample, size=size)  # type: ignore[arg-type]  # both were looked up


def transfer_item(transfer: Transfer, draw: str) -> Item:
    """Return a transfer as an item at a host of its own, half of them by https.

    ``draw`` makes the host, and everything random of the transfer: another text, another transfer.
    """
    digest = _digest(f"{draw} {transfer.stratum}".encode())
    scheme = "https" if digest[0] % 2 else "http"
    host = f"school-{digest[1:7].hex()}.canary.{RANGE_ZONE}"
    return Item(
        id=f"transfer-{digest.hex()}",
        value=f"{scheme}://{host}/",
        labels=("CTRL",),
        kind="url",
        stratum=transfer.stratum,
    )


def size_drawn(draw: str, least: int, most: int) -> int:
    """Return a number from ``least`` to ``most``, which follows from ``draw``."""
    return least + int.from_bytes(_digest(draw.encode())[:6], "big") % (most - least + 1)


def requests_of(item: Item, transfer: Transfer, key: bytes) -> Iterator[SizedRequest]:
    """Yield the requests of a transfer: of a page the document first, then its pictures."""
    base = item.value.rstrip("/")
    folder, ending = _FOLDERS[transfer.form]
    for number, size in enumerate(_pieces(transfer)):
        is_picture = transfer.form == "page" and number > 0
        place, suffix = ("pictures/", ".jpg") if is_picture else (folder, ending)
        token = sized_token(key, f"{item.id} {number}", min(size, MOST_BYTES))
        method: Literal["GET", "POST"] = "POST" if transfer.form == "upload" else "GET"
        yield SizedRequest(f"{base}/{place}{token}{suffix}", method, min(size, MOST_BYTES))


def _pieces(transfer: Transfer) -> list[int]:
    size = transfer.size
    match transfer.form:
        case "page":
            picture = size * 3 // 10
            return [size - 2 * picture - picture // 2, picture, picture // 2, picture]
        case "video":
            return [size // 3, size // 3, size - 2 * (size // 3)]
        case _:
            return [size]


def sized_token(key: bytes, name: str, size: int) -> str:
    """Return 24 hexadecimal digits that hold a number of bytes, for those who have the key."""
    salt = _digest(name.encode())[:5]
    mask, seal = _secrets(key, salt)
    hidden = size ^ int.from_bytes(mask, "big")
    inner = salt + hidden.to_bytes(4, "big")
    return (inner + _digest(seal + inner)[:3]).hex()


def size_in(key: bytes, path: str) -> int | None:
    """Return the number of bytes that a path asks for; None if it is no address of a transfer."""
    found = _TOKEN.search(path)
    if found is None:
        return None
    raw = bytes.fromhex(found[0])
    inner, tag = raw[:9], raw[9:]
    mask, seal = _secrets(key, inner[:5])
    if _digest(seal + inner)[:3] != tag:
        return None
    size = int.from_bytes(inner[5:], "big") ^ int.from_bytes(mask, "big")
    return size if size <= MOST_BYTES else None


def content_of(key: bytes, path: str, size: int) -> bytes:
    """Return the random bytes that are transferred at a path; of pages as letters."""
    raw = hashlib.shake_128(key + b" content " + path.encode()).digest(size)
    return b64encode(raw)[:size] if path.endswith(".html") else raw


def receipt_of(key: bytes, path: str, body: bytes) -> str:
    """Return the origin's words for an upload that arrived whole: only it and we can make them."""
    digest = hashlib.blake2b(path.encode() + body, key=key[:64], digest_size=12)
    return f"{RECEIVED} {digest.hexdigest()}"


def _secrets(key: bytes, salt: bytes) -> tuple[bytes, bytes]:
    made = hashlib.blake2b(salt, key=key[:64], person=b"transfer", digest_size=20).digest()
    return made[:4], made[4:]


def _digest(text: bytes) -> bytes:
    return hashlib.blake2b(text, digest_size=16).digest()
