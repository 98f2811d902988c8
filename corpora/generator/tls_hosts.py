"""Rows of the pack ``tls-checks``: hosts that show faults of TLS, good ones, and further services.

All are harmless and on no list; the origin answers TLS as the case in a host's name says.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.model.origin_zone import RANGE_ZONE
from harness.model.tls_check import CASE, CASES, PART, TlsGroup

HOSTS: dict[TlsGroup, int] = {
    "certificate": 3,
    "revocation": 3,
    "parameters": 3,
    "good": 5,
    "undecrypted": 3,
    "service": 43,
}
"""Hosts of each case, by group. 299 of services must be decided for a share of 1 % (TLS-08)."""


def tls_checks() -> Iterator[dict[str, str]]:
    """The hosts of every case."""
    for case, told in CASES.items():
        for number in range(1, HOSTS[told.group] + 1):
            host = f"{case}-{number}.{PART}.{RANGE_ZONE}"
            yield {
                "id": f"TLS-{case}-{number:02}",
                "value": host,
                "kind": "host",
                "registrable": host,
                "labels": "CTRL",
                "label_source": "curated",
                "stratum": f"CTRL/{CASE}{case}",
                "sensitivity": "S0",
                "notes": told.words,
            }
