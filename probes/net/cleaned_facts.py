"""Keep the anti-malware test string out of what is recorded, in whatever form an answer repeats it.

A block page may repeat an upload, and a service may put the test string anywhere. In a journal it
would make anti-malware products delete the journal.
"""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec

from harness.model.facts import WebFacts
from harness.model.observation import Failure
from harness.ports.network import Exchange
from probes.net.file_contents import (
    LONGEST_TEXT,
    MOST_RUNS,
    UnopenedError,
    contents,
    eicar,
    holds_test_string,
)
from probes.net.html_text import decode_text

Recorded = TypeVar("Recorded", WebFacts, Failure)

msgspec.json.Decoder(tuple[WebFacts, Failure])
"""Made once, for threads: see test_suites/house/test_decoders.py."""


def without_test_string(recorded: Recorded) -> Recorded:
    """Return facts or a failure without the texts that hold the test string.

    The test string is found as it is, in Base64, percent-encoded, as character references, or in
    any container. An address that holds it is cut to its host.
    """
    plain = msgspec.to_builtins(recorded)
    cleaned = _cleaned(plain)
    return recorded if cleaned == plain else msgspec.convert(cleaned, type(recorded))


def without_plain_string(recorded: Recorded) -> Recorded:
    """Return facts or a failure without the test string as it is: a cheap look at every page."""
    return without_test_string(recorded) if _END in msgspec.json.encode(recorded) else recorded


def holds_plain_string(body: bytes) -> bool:
    """Whether a body holds the test string as it is, in UTF-8 or UTF-16."""
    string = eicar().decode("ascii")
    return any(string.encode(way) in body for way in ("utf-8", "utf-16-le", "utf-16-be"))


_END = eicar()[-20:]
"""The last bytes of the test string; JSON writes these as they are."""
_RUN = re.compile(rb"[A-Za-z0-9+/_-]{91,}=*")
"""Base64 of the test string has at least so many letters."""
_BLANKS = b" " * 512
"""What joined runs begin with, so that they are not taken for a container."""
_HOST = re.compile(r"https?://[^/?#]+")


def body_holds_test_string(answer: Exchange) -> bool:
    """Whether a body holds the test string, as bytes or as the text that a reader sees."""
    kind = next((value for name, value in answer.headers if name == "content-type"), "")
    text = decode_text(answer.body, kind).encode()
    return _holds(answer.body) or (text != answer.body and _holds(text))


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return _cleaned_text(value) if _text_holds(value) else value
    if isinstance(value, dict):
        return {key: _cleaned(each) for key, each in value.items()}
    return tuple(map(_cleaned, value)) if isinstance(value, tuple) else value


def _cleaned_text(text: str) -> str:
    host = _HOST.match(text)
    return "" if host is None or _text_holds(host[0]) else f"{host[0]}/"


def _text_holds(text: str) -> bool:
    return _holds(text.encode("utf-8", "replace"))


def _holds(data: bytes) -> bool:
    """Whether data hold the test string, also in Base64 behind other letters.

    Data with more Base64 than is searched may hold it, and count as holding it.
    """
    runs = _RUN.findall(data)
    if len(runs) > MOST_RUNS or sum(map(len, runs)) + len(runs) > LONGEST_TEXT:
        return True
    shifted = (_BLANKS + b" ".join(run[start:] for run in runs) for start in (1, 2, 3))
    return holds_test_string(data) or any(map(_may_hold, shifted))


def _may_hold(data: bytes) -> bool:
    """Whether data hold the test string, or are too large to be searched to the end."""
    try:
        return any(eicar() in each for each in contents(data, strict=True))
    except UnopenedError as error:
        return error.kind == "huge"
