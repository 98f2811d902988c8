"""Metrics that a scheme may name and that cannot be computed yet."""

from __future__ import annotations

# fmt: off
PLANNED: tuple[tuple[str, str, str], ...] = (
    ("accreditation_age", "d", "age of the accreditation"),
    ("admin_plane_checks", "share", "checks of the administration that pass"),
    ("availability", "share", "time in which the service was up and filtering"),
    ("bad_certificates_accepted", "items", "upstream certificate failures that were hidden"),
    ("certificate_errors_conveyed", "share", "certificate errors that reach the user"),
    ("circumvention_stopped", "share", "circumvention methods that were stopped"),
    ("configuration_differences", "items", "differences from the reference configuration"),
    ("configuration_disclosed", "share",
     "disclosures of configuration and corpora that are present"),
    ("contention", "ratio", "contention of the core network"),
    ("database_age", "h", "hours since the category database was updated"),
    ("discovery_delay", "s", "time until a new harmful host is categorised"),
    ("ech_discordant", "items", "verdicts that change when ECH is offered"),
    ("encoding_variants_open", "items", "spellings of a blocked address that stay open"),
    ("encrypted_resolver_answers", "items", "unfiltered answers over DoT, DoQ and DoH"),
    ("failover_leaks", "items", "items open on the backup line"),
    ("fault_leaks", "items", "harmful items fetched while a fault lasted"),
    ("foreign_resolver_answers", "items", "unfiltered answers of foreign name servers on port 53"),
    ("framing_variants_open", "items", "segmentations and framings that stay open"),
    ("identity_gains", "items", "false identities that gain a weaker policy"),
    ("inconsistent_types", "items", "blocked names that some query type answers"),
    ("interception_grade", "grade", "interception quality, A = 1 to F = 6"),
    ("ipv6_discordant", "items", "items blocked over IPv4 and open over IPv6"),
    ("ipv6_transitions_open", "items", "transition mechanisms that stay open"),
    ("label_error", "share", "audited labels that are wrong"),
    ("name_variants_open", "items", "mismatched or missing host names that stay open"),
    ("network_signals_honoured", "share", "network signals that are honoured"),
    ("no_decrypt_compliance", "share", "sites of the no-decrypt list that are left alone"),
    ("privacy_documents", "share", "privacy documents that are complete"),
    ("quic_discordant", "items", "verdicts that differ between QUIC and TCP"),
    ("rationale_published", "share", "parts of the published rationale that are present"),
    ("recategorisation_delay", "s", "time from a report to its effect"),
    ("reproduced_decisions", "share", "decisions that a re-run gives again"),
    ("resolver_checks", "share", "checks of DNSSEC, extended errors and time to live that pass"),
    ("resolver_latency", "s", "95 % quantile of cached answers"),
    ("review_records", "share", "yearly review records that are complete"),
    ("seed_commitment", "share", "samples whose seed was committed before the run"),
    ("self_test_age", "d", "age of the last quarterly self-test"),
    ("shared_interception_keys", "items", "interception authorities shared between customers"),
    ("signature_age", "h", "hours since the signatures were updated"),
    ("support_evidence", "share", "parts of the support evidence that are complete"),
    ("tenant_leaks", "items", "records of one school that another can read"),
    ("tls_downgrades", "items", "properties of TLS that interception weakens"),
    ("tunnels_established", "items", "tunnels through which the canary was fetched"),
    ("weak_crypto_accepted", "items", "weak upstream parameters that were accepted"),
)
# fmt: on
"""Metrics that are not implemented yet: name, unit and what is counted.

A requirement that asks for one is *insufficient*.
"""
