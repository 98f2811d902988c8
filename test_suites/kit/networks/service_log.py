"""Reads lines of the reference filter's own record, as a reader of Squid's native format would."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_LINE = re.compile(
    r"(?P<at>-?\d+\.\d{3}) +(?P<elapsed>\d+) (?P<client>\S+) (?P<code>[A-Z_]+)/(?P<status>\d{3})"
    r" (?P<sent>\d+) (?P<method>\S+) (?P<url>\S+) (?P<user>\S+) (?P<peer>HIER_NONE/-|HIER_DIRECT/\S+)"
    r' (?P<content_type>\S+) (?P<received>\d+) (?P<category>-|"[^"]*")(?P<appended>(?: ".*")?)'
)


@dataclass(frozen=True, slots=True)
class LogLine:
    """The fields of a line, without the times; ``seconds`` is the time of the entry."""

    client: str
    code: str
    status: str
    sent: int
    method: str
    url: str
    user: str
    peer: str
    content_type: str
    received: int
    category: str
    appended: str = ""

    @classmethod
    def read(cls, text: str) -> Self:
        found = _LINE.fullmatch(text)
        assert found, text
        values = {name: found[name] for name in cls.__dataclass_fields__}
        numbers = {name: int(values[name]) for name in ("sent", "received")}
        return cls(**{**values, **numbers})  # type: ignore[arg-type]


def lines_in(path: Path) -> list[LogLine]:
    """Return all lines; each must be whole and of the format."""
    text = path.read_bytes().decode("ascii")
    assert not text or text.endswith("\n")
    return [LogLine.read(line) for line in text.splitlines()]


def times_in(path: Path) -> list[float]:
    """Return when each entry says that its request was complete, in seconds since 1970."""
    return [float(line.split(" ")[0]) for line in path.read_text().splitlines()]
