r"""Values that a statement names in braces, and ways to write them: ``{host}``, ``{ip:hex}``.

A placeholder is a name, or a name, a colon and a way to write its value. Bytes that are not text
are written as escapes: ``\r \n \t \0 \\ \xHH``; ``{{`` and ``}}`` are braces. ``{cut}``,
``{answer}`` and ``{wait}`` are no values, but marks at which a step does something.
"""

from __future__ import annotations

import base64
import codecs
import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Literal, get_args

from harness.errors import known
from probes.net.dns_tunnel import hidden_name
from probes.techniques import spellings

Mark = Literal["cut", "answer", "wait"]
MARKS: tuple[Mark, ...] = get_args(Mark)

_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|\\(x[0-9A-Fa-f]{2}|.)|([^{}\\]+)", re.DOTALL)
_ESCAPES = {"r": "\r", "n": "\n", "t": "\t", "0": "\0", "\\": "\\"}


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A value that is filled in when a step runs, and how it is written."""

    name: str
    way: str = ""
    argument: int = 0


@dataclass(frozen=True, slots=True)
class AtMark:
    """A place in the bytes of a step at which it does something else."""

    mark: Mark


Piece = bytes | Placeholder | AtMark


def pieces_of(text: str) -> tuple[Piece, ...]:
    """Return the pieces of a template. Raises ValueError for an unknown name, way or escape."""
    pieces: list[Piece] = []
    for piece in _pieces(text):
        if isinstance(piece, bytes) and pieces and isinstance(pieces[-1], bytes):
            pieces[-1] += piece
        else:
            pieces.append(piece)
    return tuple(pieces)


def _pieces(text: str) -> Iterator[Piece]:
    end = 0
    for found in _PIECE.finditer(text):
        if found.start() != end:
            break
        end = found.end()
        name, escape, plain = found.groups()
        if plain is not None:
            yield plain.encode()
        elif escape is not None:
            yield _unescaped(escape)
        elif name is None:
            yield found[0][:1].encode()
        else:
            mark = next((each for each in MARKS if each == name), None)
            yield _placeholder(name) if mark is None else AtMark(mark)
    if end != len(text):
        msg = f"{text[end : end + 20]!r}: one brace alone; write '{{{{' for a brace that is sent"
        raise ValueError(msg)


def _unescaped(escape: str) -> bytes:
    if escape.startswith("x") and len(escape) > 1:
        return bytes.fromhex(escape[1:])
    if escape not in _ESCAPES:
        msg = f"unknown escape '\\{escape}'; {known(_ESCAPES)}"
        raise ValueError(msg)
    return _ESCAPES[escape].encode()


def _placeholder(text: str) -> Placeholder:
    name, _, way = text.partition(":")
    if name not in NAMES:
        msg = f"unknown placeholder '{{{text}}}'; {known((*NAMES, *MARKS))}"
        raise ValueError(msg)
    if way.isdigit():
        return Placeholder(name, argument=int(way))
    if way and way not in WAYS:
        msg = f"unknown way {way!r} to write {{{name}}}; {known(WAYS)}"
        raise ValueError(msg)
    return Placeholder(name, way)


NAMES: dict[str, str] = {
    "host": "the host whose page is wanted",
    "label": "its first label",
    "parent": "the rest of its name",
    "allowed": "an allowed host of the same origin",
    "resolver": "a host that is a name server for DNS over HTTPS",
    "relay": "an allowed host of the origin that shows pages of other hosts",
    "zone": "the zone of the origin",
    "ip": "the origin's IPv4 address",
    "ip6": "the origin's IPv6 address",
    "target": "what a request asks for: '/', or the URL where it goes to a proxy",
    "allowed-target": "the same for the allowed host",
    "base": "what precedes a path: nothing, or scheme and host where it goes to a proxy",
    "at": "a path that names the host in Base32, for requests that do not name it otherwise",
    "marks": "header lines, each with its end, that carry the nonce",
    "headers": "the header lines of a browser but for Host, each with its end, with the nonce",
    "nonce": "the nonce",
    "random": "a random word of letters, the same on every line",
    "pad": "as many letters A as the number after the colon says",
}
"""The names of values, with what they stand for."""


def _percent(text: str) -> str:
    """Every second letter percent-encoded (RFC 3986 section 2.1)."""
    return "".join(
        f"%{ord(each):02X}" if place % 2 and each.isalnum() else each
        for place, each in enumerate(text)
    )


def _alternate(text: str) -> str:
    return "".join(each.upper() if place % 2 else each.lower() for place, each in enumerate(text))


def _octets(text: str, form: str) -> str:
    return ".".join(form.format(octet) for octet in IPv4Address(text).packed)


WAYS: Mapping[str, Callable[[str, random.Random], str]] = {
    "upper": lambda text, _: text.upper(),
    "alternate": lambda text, _: _alternate(text),
    "mixed": lambda text, draw: "".join(
        each.upper() if draw.random() < 0.5 else each.lower()  # noqa: PLR2004 - as often as not
        for each in text
    ),
    "percent": lambda text, _: _percent(text),
    "percent-lower": lambda text, _: re.sub("%..", lambda found: found[0].lower(), _percent(text)),
    "percent-first": lambda text, _: f"%{ord(text[0]):02X}{text[1:]}",
    "percent-twice": lambda text, _: _percent(text).replace("%", "%25"),
    "fullwidth": lambda text, _: "".join(
        chr(ord(each) + 0xFEE0) if each.isascii() and each.isalnum() else each for each in text
    ),
    "fullwidth-first": lambda text, _: chr(ord(text[0]) + 0xFEE0) + text[1:],
    "ideographic-dots": lambda text, _: text.replace(".", "\u3002"),
    "soft-hyphen": lambda text, _: text[:2] + "\u00ad" + text[2:],
    "zero-width": lambda text, _: text[:2] + "\u200b" + text[2:],
    "joiner": lambda text, _: text[:2] + "\u200d" + text[2:],
    "circled": lambda text, _: spellings.circled(text),
    "unicode": lambda text, _: spellings.unicode_name(text),
    "spelled": spellings.spelled,
    "dashes": lambda text, _: text.replace("-", "--").replace(".", "-"),
    "base64": lambda text, _: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "base32": lambda text, _: base64.b32encode(text.encode()).decode().rstrip("=").lower(),
    "hex-text": lambda text, _: text.encode().hex(),
    "rot13": lambda text, _: codecs.encode(text, "rot13"),
    "reversed": lambda text, _: text[::-1],
    "decimal": lambda text, _: str(int(IPv4Address(text))),
    "hex": lambda text, _: f"0x{int(IPv4Address(text)):08X}",
    "hex-octets": lambda text, _: _octets(text, "0x{:02x}"),
    "octal": lambda text, _: _octets(text, "0{:03o}"),
    "mapped": lambda text, _: f"::ffff:{text}",
    "short": lambda text, _: _short(text),
    "exploded": lambda text, _: IPv6Address(text).exploded,
    "labels": lambda text, _: hidden_name(text),
}
"""How a value may be written, by name; the second argument draws what is random."""


def _short(text: str) -> str:
    """An IPv4 address whose last number stands for three octets (``inet_aton``)."""
    number = int(IPv4Address(text))
    return f"{number >> 24}.{number & 0xFFFFFF}"
