"""Codes in plain words, for readers who are no network engineers; the code stays beside them."""

from __future__ import annotations

import csv
import functools
from importlib import resources

MECHANISMS = {
    "none": "nothing stood in the way",
    "dns_nxdomain": "the name was said not to exist",
    "dns_nodata": "the name was given no address",
    "dns_sinkhole": "the name was given a false address",
    "dns_refused": "the name server refused to answer",
    "dns_servfail": "the name server failed",
    "dns_silent": "the name server stayed silent",
    "proxy_refusal": "the proxy refused the connection",
    "block_page": "a block page was shown",
    "http_451": "blocked for legal reasons (status 451)",
    "redirect": "sent to another page",
    "tcp_reset": "the connection was cut off",
    "tcp_refused": "the connection was refused",
    "tcp_eof": "the connection was closed early",
    "icmp_unreachable": "the network said the address cannot be reached",
    "tls_alert": "encryption was refused",
    "tls_intercept_page": "a block page was put inside the encryption",
    "silent_drop": "no answer came",
    "other": "another way",
}
"""Each mechanism as a head teacher would say it."""

STATES = {
    "allowed": "opened",
    "blocked": "blocked",
    "altered": "changed on the way",
    "down": "site was down",
    "insufficient": "undecided",
}

METRICS = {
    "block_rate": "share of items blocked",
    "overblock_rate": "share of items wrongly blocked",
    "missed": "items let through",
    "overblocked": "items wrongly blocked",
    "explicit_share": "share of blocks that say so",
    "first_byte_overhead": "waiting added by the filter",
}


def category_name(code: str) -> str:
    """The taxonomy's name of a category, or the code itself where there is none.

    The taxonomy is read as a table beside the packs: reports know no corpus.
    """
    return _categories().get(code, code)


def labelled(code: str) -> str:
    """The name of a category with its code, or the code alone where it has no name."""
    name = category_name(code)
    return code if name == code else f"{name} ({code})"


def framed(text: str, frame: str) -> str:
    """With the frame that counts come from, where items do not count alike."""
    return f"{text}, {frame}" if frame else text


def mechanism_name(code: str) -> str:
    """A mechanism in plain words, or the code itself."""
    return MECHANISMS.get(code, code)


@functools.cache
def _categories() -> dict[str, str]:
    try:
        table = resources.files("corpora").joinpath("data", "taxonomy.csv")
        rows = csv.DictReader(table.read_text(encoding="utf-8").splitlines())
        return {row["code"]: row["name"] for row in rows}
    except (OSError, ModuleNotFoundError, KeyError):
        return {}
