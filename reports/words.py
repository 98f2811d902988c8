"""Words for codes: categories, ways of blocking, states, decision rules, sources of thresholds.

Codes stay in JSON and CSV; the terminal, the HTML report and pytest show these words.
"""

from __future__ import annotations

import csv
import functools
import re
from importlib import resources

from harness.model.scheme import Threshold

SEVERITIES = {"Crit": "critical", "Maj": "major", "Min": "minor", "Obs": "observation"}
PROVENANCES = {
    "seen": "a published source",
    "reported": "widely reported (we have not seen the original)",
    "proposed": "proposed by this project",
}
SHORT_PROVENANCES = {
    "seen": "published",
    "reported": "widely reported",
    "proposed": "proposed",
}
SOURCES = {
    "ACMA08": "ACMA 2008",
    "AMT": "Anti-Malware.ru",
    "AVC": "AV-Comparatives",
    "BECTA": "Becta",
    "BECTA-GUIDE": "Becta guide",
    "DFE": "Department for Education",
    "ENEX09": "Enex TestLab 2009",
    "IWF-GP": "IWF good practice",
    "METHOD": "Accredit's method",
    "NETALERT05": "NetAlert 2005",
    "UKSIC16": "UK Safer Internet Centre 2016",
    "UKSIC24": "UK Safer Internet Centre 2024",
}
"""Names of sources by their code in the requirement catalogue; other codes stay as they are."""
RULES = {
    "guarded": "decided by confidence bounds",
    "quantile": "decided by confidence bounds",
    "noninferiority": "decided by confidence bounds",
    "survival": "decided by confidence bounds",
    "availability": "decided by confidence bounds",
    "sequential": "decided by a stopping plan",
    "census": "every item counts",
    "functional": "every item counts",
    "grade": "every item counts",
    "gate": "condition of the test",
    "evidence": "decided on documents",
    "report": "for information only",
}
"""How each decision rule decides, in a few words."""

MECHANISMS = {
    "none": "not blocked",
    "dns_nxdomain": "the name server said that the name does not exist",
    "dns_nodata": "the name server gave no address for the name",
    "dns_sinkhole": "the name server gave a false address for the name",
    "dns_refused": "the name server refused to answer",
    "dns_servfail": "the name server failed",
    "dns_silent": "the name server did not answer",
    "proxy_refusal": "the proxy refused the connection",
    "block_page": "a block page was shown",
    "http_451": "blocked for legal reasons (status 451)",
    "redirect": "sent to another page",
    "tcp_reset": "the connection was cut off",
    "tcp_refused": "the connection was refused",
    "tcp_eof": "the connection was closed early",
    "icmp_unreachable": "the network reported the address as unreachable",
    "tls_alert": "encryption was refused",
    "tls_intercept_page": "a block page was shown inside the encrypted connection",
    "silent_drop": "no answer came",
    "other": "another way",
}
"""Ways of blocking in words for head teachers."""

STATES = {
    "allowed": "let through",
    "blocked": "blocked",
    "altered": "changed on the way",
    "down": "site down",
    "insufficient": "undecided",
}

_MARK = re.compile(r"\s*\[[SMP](?:/[SMP])*(?:[ ,:][^\]]*)?\]")
_CODE = re.compile(r"[A-Z][A-Z0-9]+(?:-[A-Z][A-Z0-9]*)*")


def source_of(limit: Threshold) -> str:
    """Where a threshold comes from: "widely reported (we have not seen the original): Becta"."""
    source = _CODE.sub(lambda code: SOURCES.get(code[0], code[0]), without_marks(limit.source))
    source, provenance = source.removesuffix("."), PROVENANCES[limit.provenance]
    return f"{provenance}: {source}" if source and source != provenance else provenance


def without_marks(text: str) -> str:
    """A text of the catalogue without its marks of provenance, such as ``[S]`` or ``[P]``."""
    parts = (_MARK.sub("", part).strip() for part in text.split("; "))
    return "; ".join(filter(None, parts))


def category_name(code: str) -> str:
    """The taxonomy's name of a category, or the code itself where there is none.

    Reads the taxonomy's table as a file, because reports do not import corpora.
    """
    return _categories().get(code, code)


def labelled(code: str) -> str:
    """The name of a category with its code, or the code alone where it has no name."""
    name = category_name(code)
    return code if name == code else f"{name} ({code})"


def framed(text: str, frame: str) -> str:
    """The text with its sampling frame, where items have different weights."""
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
