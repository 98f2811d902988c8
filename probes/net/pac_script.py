"""Evaluate proxy auto-configuration (PAC) files in a sandboxed JavaScript engine.

The format is Netscape's "Navigator Proxy Auto-Config File Format" (March 1996). The script has no
access to files, network or timers; CPU time, memory and stack are bounded. It resolves no names
itself: ``Script.decide`` returns the names it needs, and is called again when they are resolved
(like Chromium's tracing resolver). Also holds ``Choice`` and ``read_choices``, which parse a
script's answer.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal

from harness.errors import UsageError, require_library
from probes.net.route import Address, parse_address

Kind = Literal["direct", "http", "https", "socks5", "unspoken"]

KINDS: dict[str, Kind] = {
    "DIRECT": "direct",
    "PROXY": "http",
    "HTTP": "http",
    "HTTPS": "https",
    "SOCKS5": "socks5",
    "SOCKS": "unspoken",
    "SOCKS4": "unspoken",
}
"""Proxy kind by keyword. ``SOCKS`` means version 4 in browsers, which is not supported here."""

PORTS = {"PROXY": 80, "HTTP": 80, "HTTPS": 443, "SOCKS": 1080, "SOCKS4": 1080, "SOCKS5": 1080}
"""Default ports of proxies, as in browsers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One choice of an answer: direct, or the proxy at ``address``, as the script wrote it."""

    word: str
    address: Address | None = None

    @property
    def kind(self) -> Kind:
        """The protocol to the proxy."""
        return KINDS[self.word]

    def __str__(self) -> str:
        return f"{self.word} {self.address}" if self.address is not None else self.word


DIRECT = Choice(word="DIRECT")


def read_choices(answer: str) -> tuple[Choice, ...]:
    """Parse an answer such as ``PROXY a:3128; DIRECT`` into distinct choices, in order.

    An empty answer means a direct connection. Unknown parts are ignored, as in browsers. Raises
    ValueError if none is valid.
    """
    if not answer.strip():
        return (DIRECT,)
    choices = dict.fromkeys(
        choice for part in answer.split(";") if (choice := _read_choice(part)) is not None
    )
    if not choices:
        raise ValueError(f"its answer names no choice: {answer[:100]!r}")
    return tuple(choices)


def _read_choice(part: str) -> Choice | None:
    word, _, address_text = part.strip().partition(" ")
    word, address_text = word.upper(), address_text.strip()
    if word == "DIRECT":
        return None if address_text else DIRECT
    if word not in KINDS or not address_text:
        return None
    try:
        return Choice(word=word, address=parse_address(address_text, word, PORTS[word]))
    except UsageError:
        return None


CPU_SECONDS = 0.25
"""CPU time limit; a file of ten thousand rules needs a hundredth of it."""

MEMORY_BYTES = 32 * 1024 * 1024
STACK_BYTES = 256 * 1024
SCRIPT_BYTES = 1024 * 1024
"""Chromium's size limit for PAC files."""

FUNCTIONS = (files("probes.net") / "pac_functions.js").read_text(encoding="utf-8")


class ScriptError(Exception):
    """The script is invalid, or exceeded a limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The script's answer; not valid while ``wanted`` lists names that must be resolved first."""

    answer: str
    wanted: tuple[str, ...] = ()


class Script:
    """One PAC file. ``clock`` returns Unix time, for the script's date and time functions."""

    def __init__(self, text: str, clock: Callable[[], float] = time.time) -> None:
        """Load a script. Raises ScriptError; UsageError without the extra ``pac``."""
        self._text = text
        self._clock = clock
        self._engine = find_engine("a PAC file")
        self._decide = self._make()

    def decide(self, url: str, host: str, known: Mapping[str, str | None], own: str) -> Decision:
        """Evaluate the script for ``url``; ``known`` maps names to addresses (None: no address).

        ``own`` is this machine's address. Raises ScriptError.
        """
        arguments = {
            "url": url,
            "host": host,
            "known": dict(known),
            "own": own,
            "now": self._clock() * 1000,
        }
        try:
            result = json.loads(self._decide(json.dumps(arguments)))
        except (self._engine.JSException, UnicodeError) as error:
            # A script that was aborted may still hold its memory: start a new context.
            self._decide = self._make()
            raise ScriptError(_first_line(error)) from None
        return Decision(answer=result["answer"], wanted=tuple(result["wanted"]))

    def _make(self) -> Any:
        if len(self._text) > SCRIPT_BYTES:
            raise ScriptError(f"it is larger than {SCRIPT_BYTES} bytes")
        context = self._engine.Context()
        context.set_memory_limit(MEMORY_BYTES)
        context.set_max_stack_size(STACK_BYTES)
        context.set_time_limit(CPU_SECONDS)
        decide = context.eval(FUNCTIONS)
        try:
            context.eval(self._text)
            if context.eval("typeof FindProxyForURL") != "function":
                raise ScriptError("it has no function FindProxyForURL")
        except (self._engine.JSException, ValueError) as error:
            raise ScriptError(_first_line(error)) from None
        return decide


def find_engine(what: str) -> Any:
    """Import the JavaScript engine. Raises UsageError if absent; ``what`` names what needs it."""
    require_library("quickjs", what)
    import quickjs  # noqa: PLC0415 - an optional extra

    return quickjs


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
