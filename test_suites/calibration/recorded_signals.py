"""The recorded signals: those that are judged, and those that are not with the reason of each.

``python -m test_suites.calibration.recorded_signals`` regenerates the reference page.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "reference" / "recorded-signals.md"
RECORDED = Path("shared/data/signals.json")
"""The whole recording, beside a folder that holds this repository; not part of it."""

NUMBER = 157
DIGEST = "665299afcced29f7427446b4d92bb8b7f1f9a85527c3168391dd4db4783fb1b3"
"""How many signals the recording has, and the digest of their ids (``digest_of``)."""

PRODUCTS = {
    "bind": "BIND with response policy zones",
    "direct": "no filter at all",
    "e2g": "e2guardian as a proxy that intercepts TLS",
    "l4": "an nftables gateway",
    "mail": "rspamd behind a mail server",
    "sni-haproxy": "haproxy by server name",
    "squid": "Squid as a proxy",
    "squid-bump": "Squid that intercepts TLS",
    "t-e2g": "e2guardian as a transparent gateway",
    "t-squid": "Squid as a transparent gateway that intercepts TLS",
    "unbound": "Unbound with local zones",
}

_START = """# Recorded signals

{number} signals of real products were recorded in a laboratory: what was requested, what the client
saw, and whether the content came, which the laboratory's origin recorded. For {judged} of them a test
checks the verdict (`test_suites/calibration/test_product_signals.py`); {listed} are not judged, for the
reasons below. Another test checks that every signal is either judged or listed.

This page is generated: `python -m test_suites.calibration.recorded_signals`.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unjudged:
    """A kind of signals that no probe can make, and why."""

    kind: str
    why: str
    signals: tuple[str, ...]


def judged() -> list[dict[str, Any]]:
    """The signals that are judged, with the facts that the judge needs of each."""
    text = (HERE / "product_signals.json").read_text(encoding="utf-8")
    signals: list[dict[str, Any]] = json.loads(text)
    return signals


def unjudged() -> tuple[Unjudged, ...]:
    """The kinds of signals that are not judged."""
    document = tomllib.loads((HERE / "unjudged_signals.toml").read_text(encoding="utf-8"))
    return tuple(
        Unjudged(kind=each["kind"], why=each["why"], signals=tuple(each["signals"]))
        for each in document["kind"]
    )


def id_of(signal: dict[str, Any]) -> str:
    """Supplier and case, which name a signal."""
    return f"{signal['supplier']} {signal['case']}"


def accounted_for() -> list[str]:
    """The ids of all signals that are judged or listed, in order; each should stand there once."""
    return sorted(map(id_of, judged())) + sorted(
        signal for each in unjudged() for signal in each.signals
    )


def digest_of(ids: Iterable[str]) -> str:
    """The digest by which two lists of ids are compared, whatever their order."""
    return hashlib.sha256("\n".join(sorted(ids)).encode()).hexdigest()


def recording() -> list[str] | None:
    """The ids of the whole recording; None where it is not at hand."""
    for folder in HERE.parents:
        path = folder / RECORDED
        if path.is_file():
            return [id_of(each) for each in json.loads(path.read_text(encoding="utf-8"))]
    return None


def page() -> str:
    """The page of the reference."""
    signals, kinds = judged(), unjudged()
    listed = Counter(each.partition(" ")[0] for kind in kinds for each in kind.signals)
    by_supplier = Counter(each["supplier"] for each in signals)
    came = Counter(each["supplier"] for each in signals if each["arrived"])
    start = _START.format(number=NUMBER, judged=len(signals), listed=sum(listed.values()))
    lines = [start, "## Judged\n", "| product | signals | judged | of these, the content came |"]
    lines += ["|---|---|---|---|"]
    lines += [
        f"| `{name}`: {says} | {by_supplier[name] + listed[name]} | {by_supplier[name]} | {came[name]} |"
        for name, says in PRODUCTS.items()
    ]
    lines += ["\n## Not judged\n", "| what | why not | signals |", "|---|---|---|"]
    lines += [
        f"| {each.kind} | {each.why} | {', '.join(f'`{name}`' for name in each.signals)} |"
        for each in kinds
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
