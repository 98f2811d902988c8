"""A PAC file as a running script, in a sandbox that holds a clock and nothing else.

The format is Netscape's "Navigator Proxy Auto-Config File Format" (March 1996). The script has
no file, no network and no timer; its processor time, memory and stack are bounded. Names are
not looked up inside: those it wants are handed out, and it is asked again when they are known
(as Chromium's tracing resolver does).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal

from harness.errors import UsageError
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
"""The words of an answer. ``SOCKS`` means version 4 to browsers, which we do not speak."""

PORTS = {"PROXY": 80, "HTTP": 80, "HTTPS": 443, "SOCKS": 1080, "SOCKS4": 1080, "SOCKS5": 1080}
"""What a proxy without a port listens on, as browsers have it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """How to go; ``address`` is the proxy's, as the script wrote it."""

    word: str
    address: Address | None = None

    @property
    def kind(self) -> Kind:
        """What has to be spoken."""
        return KINDS[self.word]

    def __str__(self) -> str:
        return f"{self.word} {self.address}" if self.address is not None else self.word


DIRECT = Choice(word="DIRECT")


def read_choices(answer: str) -> tuple[Choice, ...]:
    """The choices of an answer such as ``PROXY a:3128; DIRECT``, in order, each once.

    An empty answer means straight on. What is not understood is passed over, as browsers do;
    raises ValueError if nothing else is left.
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
    word, _, place = part.strip().partition(" ")
    word, place = word.upper(), place.strip()
    if word == "DIRECT":
        return None if place else DIRECT
    if word not in KINDS or not place:
        return None
    try:
        return Choice(word=word, address=parse_address(place, word, PORTS[word]))
    except UsageError:
        return None


CPU_SECONDS = 0.25
"""A file of ten thousand rules needs a hundredth of it."""

MEMORY_BYTES = 32 * 1024 * 1024
STACK_BYTES = 256 * 1024
SCRIPT_BYTES = 1024 * 1024
"""What Chromium takes as the largest PAC file."""

FUNCTIONS = (files("probes.net") / "pac_functions.js").read_text(encoding="utf-8")


class ScriptError(Exception):
    """The script is wrong, or went beyond its bounds; the message says how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the script answered; it counts for nothing while it wants names looked up."""

    answer: str
    wanted: tuple[str, ...] = ()


class Script:
    """One PAC file. ``clock`` gives seconds since 1970, for its functions of date and time."""

    def __init__(self, text: str, clock: Callable[[], float] = time.time) -> None:
        """Read the script; raises ScriptError if it is none, UsageError without ``[pac]``."""
        self._text = text
        self._clock = clock
        self._engine = find_engine("a PAC file")
        self._decide = self._make()

    def decide(self, url: str, host: str, known: Mapping[str, str | None], own: str) -> Decision:
        """Ask for the way to ``url``, with names ``known`` (None: has no address).

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
            # What is left of a script that was stopped half-way may hold all the memory it had.
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
    """The JavaScript engine; raises UsageError saying ``what`` needs it where it is absent."""
    try:
        import quickjs  # noqa: PLC0415 - an extra: most agents never meet a PAC file
    except ModuleNotFoundError:
        raise UsageError(f"{what} needs 'quickjs-ng': pip install 'isp-accredit[pac]'") from None
    return quickjs


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
