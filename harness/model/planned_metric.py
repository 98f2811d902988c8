"""Metrics that a scheme may name and that cannot be computed yet."""

from __future__ import annotations

# fmt: off
PLANNED: tuple[tuple[str, str, str], ...] = (
    ("bad_certificates_accepted", "items", "upstream certificate failures that were hidden"),
    ("certificate_errors_conveyed", "share", "certificate errors that reach the user"),
    ("circumvention_stopped", "share", "circumvention methods that were stopped"),
    ("ech_discordant", "items", "verdicts that change when ECH is offered"),
    ("encoding_variants_open", "items", "spellings of a blocked address that stay open"),
    ("encrypted_resolver_answers", "items", "unfiltered answers over DoT, DoQ and DoH"),
    ("foreign_resolver_answers", "items", "unfiltered answers of foreign name servers on port 53"),
    ("framing_variants_open", "items", "segmentations and framings that stay open"),
    ("identity_gains", "items", "false identities that gain a weaker policy"),
    ("interception_grade", "grade", "interception quality, A = 1 to F = 6"),
    ("laboratories_differing", "items", "outcomes on which two laboratories differ"),
    ("name_variants_open", "items", "mismatched or missing host names that stay open"),
    ("network_signals_honoured", "share", "network signals that are honoured"),
    ("no_decrypt_compliance", "share", "sites of the no-decrypt list that are left alone"),
    ("quic_discordant", "items", "verdicts that differ between QUIC and TCP"),
    ("tls_downgrades", "items", "properties of TLS that interception weakens"),
    ("tunnels_established", "items", "tunnels through which the canary was fetched"),
    ("weak_crypto_accepted", "items", "weak upstream parameters that were accepted"),
)
# fmt: on
"""Metrics that are not implemented yet: name, unit and what is counted.

A requirement that asks for one is *insufficient*.
"""
