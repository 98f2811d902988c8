"""Metrics that a scheme may name and that cannot be computed yet."""

from __future__ import annotations

# fmt: off
PLANNED: tuple[tuple[str, str, str], ...] = (
    ("bad_certificates_accepted", "items", "upstream certificate failures that were hidden"),
    ("certificate_errors_conveyed", "share", "certificate errors that reach the user"),
    ("interception_grade", "grade", "interception quality, A = 1 to F = 6"),
    ("laboratories_differing", "items", "outcomes on which two laboratories differ"),
    ("no_decrypt_compliance", "share", "sites of the no-decrypt list that are left alone"),
    ("tls_downgrades", "items", "properties of TLS that interception weakens"),
    ("weak_crypto_accepted", "items", "weak upstream parameters that were accepted"),
)
# fmt: on
"""Metrics that are not implemented yet: name, unit and what is counted.

A requirement that asks for one is *insufficient*.
"""
