"""Specifications of all metrics: unit, wording, bounds and the function that measures each.

Schemes, reports and early stopping read them. To add a metric, write its function in
``harness.estimate`` and its ``MetricSpec`` here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.model.corpus import PackKind

Bounds = Literal["", "rate", "shift", "observed"]


@dataclass(frozen=True, kw_only=True)
class MetricSpec:
    """One metric.

    ``unit`` is that of its value (``share`` for fractions of items, ``s``, ``items``, ...);
    ``counts`` says what is counted, ``words`` name it for people, ``verb`` is what happened to
    ``k`` of ``n`` items. ``function`` computes it (``module:function`` in
    ``harness.estimate``), empty where it is not implemented. ``bounds``: it has those of a rate,
    of a shift, stands as observed, or has others. ``rests_on`` is the kind of items that it rests
    on where a requirement does not say: rates of categories say what a filter knows, which only
    items that nobody announced can show. ``by`` names the groups of which the worst stands.
    ``needs_probe`` is the only probe that shows what it measures, if there is one.
    With ``each_category`` each category that a requirement names must hold by itself; without
    ``counts_items`` it compares profiles, cells of the policy, probes or batches.
    """

    name: str
    unit: str
    counts: str
    words: str = ""
    verb: str = ""
    function: str = ""
    bounds: Bounds = ""
    rests_on: PackKind | None = None
    by: Literal["", "category", "stratum", "language"] = ""
    needs_probe: str = ""
    each_category: bool = False
    counts_items: bool = True

    @property
    def is_implemented(self) -> bool:
        """Whether Accredit can compute it."""
        return bool(self.function)

    @property
    def is_rate(self) -> bool:
        """Whether its bounds are those of a rate, whatever the decision rule."""
        return self.bounds == "rate"

    @property
    def title(self) -> str:
        """Its title for readers: ``words``, or ``counts``."""
        return self.words or self.counts


# fmt: off
IMPLEMENTED = (
    MetricSpec(name="age_bands_missing", unit="items",
               counts="of four age bands, those without a policy of their own",
               words="age groups without a policy of their own",
               function="profiles:age_bands_missing", rests_on="agreed", counts_items=False),
    MetricSpec(name="block_page_accessibility", unit="share",
               counts="of three checks, those that every block page in a browser passes",
               words="wording and accessibility of block pages",
               function="block_pages:block_page_accessibility", bounds="observed",
               needs_probe="web_accessibility",
               counts_items=False),
    MetricSpec(name="block_page_defects", unit="items",
               counts="items whose block page can be cached, runs markup of the address, or "
                      "contacts other sites",
               words="faulty block pages", function="block_pages:block_page_defects",
               verb="have a faulty block page", needs_probe="web_markup"),
    MetricSpec(name="block_page_fields", unit="share",
               counts="of five fields, those that every block page states",
               words="what block pages state", function="block_pages:block_page_fields",
               bounds="observed", counts_items=False),
    MetricSpec(name="block_rate", unit="share", counts="items that were blocked",
               words="share of items blocked", function="worst_group:block_rate",
               verb="were blocked", bounds="rate", rests_on="real", each_category=True),
    MetricSpec(name="block_rate_by_category", unit="share",
               counts="items that were blocked, in the worst category",
               words="share of items blocked, worst category",
               function="worst_group:block_rate_by_category", verb="were blocked", bounds="rate",
               rests_on="real", by="category", each_category=True),
    MetricSpec(name="block_rate_by_language", unit="share",
               counts="items that were blocked, in the worst language",
               words="share of items blocked, worst language",
               function="worst_group:block_rate_by_language", verb="were blocked", bounds="rate",
               rests_on="real", by="language"),
    MetricSpec(name="block_rate_by_stratum", unit="share",
               counts="items that were blocked, in the worst stratum",
               words="share of items blocked, worst group",
               function="worst_group:block_rate_by_stratum", verb="were blocked", bounds="rate",
               rests_on="real", by="stratum"),
    MetricSpec(name="clean_blocked_per_harmful", unit="ratio",
               counts="clean pages blocked for each harmful page blocked, at a prevalence of 1.1 %",
               words="clean pages blocked for each harmful one",
               function="line_metrics:clean_blocked_per_harmful"),
    MetricSpec(name="clean_https_blocks", unit="share",
               counts="items blocked over HTTPS whose block page came without a certificate error",
               words="share of HTTPS blocks with a page and no certificate error",
               function="block_pages:clean_https_blocks", verb="show a page without an error",
               bounds="rate", needs_probe="web_https"),
    MetricSpec(name="content_block_rate", unit="share",
               counts="harmful pages on unknown hosts that were blocked",
               words="share of harmful pages on unknown sites blocked",
               function="worst_group:content_block_rate", verb="were blocked", bounds="rate",
               rests_on="content"),
    MetricSpec(name="control_success", unit="share",
               counts="counted items that were alive on the control line",
               words="share of items alive without the filter",
               function="line_metrics:control_success", bounds="observed"),
    MetricSpec(name="design_effect", unit="ratio", counts="independent items that one item costs",
               words="design effect of shared domains", function="line_metrics:design_effect"),
    MetricSpec(name="discordant", unit="items",
               counts="items that one probe found blocked and another open",
               words="items blocked one way and open another", function="line_metrics:discordant",
               rests_on="agreed", counts_items=False),
    MetricSpec(name="explicit_share", unit="share",
               counts="blocked items whose block said what it was",
               words="share of blocks that say so", function="rates:explicit_share",
               verb="were blocked with an explanation", bounds="rate"),
    MetricSpec(name="first_byte_overhead", unit="s",
               counts="quantile of the paired difference of the time to first byte",
               words="waiting added by the filter", function="durations:first_byte_overhead"),
    MetricSpec(name="first_byte_overhead_share", unit="share",
               counts="relative time to first byte that the service adds (Hodges-Lehmann)",
               words="waiting added by the filter, as a share",
               function="durations:first_byte_overhead_share", bounds="shift"),
    MetricSpec(name="illegal_page_wording", unit="share",
               counts="block pages of illegal content with the recommended wording and help",
               words="share of illegal-content pages with wording and help",
               function="block_pages:illegal_page_wording", verb="have wording and help",
               bounds="observed"),
    MetricSpec(name="image_hit_rate", unit="share",
               counts="copies of the agreed image that were blocked",
               words="share of agreed images recognised", function="cases:image_hit_rate",
               verb="were blocked", bounds="rate", rests_on="content"),
    MetricSpec(name="indeterminate_share", unit="share", counts="items that could not be decided",
               words="share of items that could not be decided",
               function="line_metrics:indeterminate_share", bounds="observed"),
    MetricSpec(name="instrument_record", unit="share",
               counts="records of the instrument in which nothing is missing",
               words="measuring equipment on record", function="line_metrics:instrument_record",
               bounds="observed"),
    MetricSpec(name="missed", unit="items", counts="items that got through",
               words="items let through", function="worst_group:missed", verb="got through",
               rests_on="agreed", each_category=True),
    MetricSpec(name="overblock_rate", unit="share", counts="must-allow items that were blocked",
               words="share of items wrongly blocked", function="worst_group:overblock_rate",
               verb="were wrongly blocked", bounds="rate", rests_on="real", each_category=True),
    MetricSpec(name="overblock_rate_by_category", unit="share",
               counts="must-allow items that were blocked, in the worst topic",
               words="share of items wrongly blocked, worst category",
               function="worst_group:overblock_rate_by_category", verb="were wrongly blocked",
               bounds="rate", rests_on="real", by="category", each_category=True),
    MetricSpec(name="overblocked", unit="items", counts="must-allow items that were blocked",
               words="items wrongly blocked", function="worst_group:overblocked",
               verb="were wrongly blocked", rests_on="agreed", each_category=True),
    MetricSpec(name="profiles_missing", unit="items",
               counts="of pupils and staff, profiles without a policy of their own",
               words="profiles without a policy of their own", function="profiles:profiles_missing",
               rests_on="agreed", counts_items=False),
    MetricSpec(name="pupil_difference", unit="share",
               counts="items blocked for the test that a pupil would have got",
               words="items blocked for the test alone", function="plain_twins:pupil_difference",
               counts_items=False),
    MetricSpec(name="sentinel_agreement", unit="share",
               counts="sentinels around the batches that behaved as agreed",
               words="agreement of the check items", function="line_metrics:sentinel_agreement",
               bounds="observed", counts_items=False),
    MetricSpec(name="superset_violations", unit="items",
               counts="items that a stricter profile allows and a weaker one blocks",
               words="items open to younger and blocked for older users",
               function="profiles:superset_violations", rests_on="agreed", counts_items=False),
    MetricSpec(name="viewers_exposing", unit="items",
               counts="translators, caches and readers that expose blocked pages",
               words="viewers that show blocked pages", function="cases:viewers_exposing",
               verb="show blocked pages", rests_on="content"),
    MetricSpec(name="wrong_cells", unit="cells",
               counts="categories with an item handled otherwise than the policy says",
               words="policy rules that went wrong", function="line_metrics:wrong_cells",
               rests_on="agreed", counts_items=False),
)
"""The metrics that are implemented."""

PLANNED: tuple[tuple[str, str, str], ...] = (
    ("accreditation_age", "d", "age of the accreditation"),
    ("admin_plane_checks", "share", "checks of the administration that pass"),
    ("alert_delay", "s", "95 % quantile of the delay of top alerts"),
    ("alert_recall", "share", "safeguarding scenarios that raised an alert"),
    ("altered_downloads", "items", "clean downloads that were altered or blocked"),
    ("appeal_delay", "s", "time until an unblock appeal is decided"),
    ("archive_bypasses", "items",
     "deep, encrypted or huge archives that passed against the policy"),
    ("availability", "share", "time in which the service was up and filtering"),
    ("bad_certificates_accepted", "items", "upstream certificate failures that were hidden"),
    ("bandwidth_reached", "share", "samples that reach the stated bandwidth"),
    ("bypass_attempts_recorded", "share", "bypass attempts found in the log"),
    ("certificate_errors_conveyed", "share", "certificate errors that reach the user"),
    ("circumvention_stopped", "share", "circumvention methods that were stopped"),
    ("collateral_blocks", "items", "benign siblings of a listed page that were blocked"),
    ("configuration_differences", "items", "differences from the reference configuration"),
    ("configuration_disclosed", "share",
     "disclosures of configuration and corpora that are present"),
    ("contention", "ratio", "contention of the core network"),
    ("database_age", "h", "hours since the category database was updated"),
    ("deep_page_block_rate", "share", "pages below host level that were blocked"),
    ("default_policy_leaks", "items", "unauthenticated requests that were answered too freely"),
    ("delay_variation", "s", "99 % quantile of the packet delay variation"),
    ("discovery_delay", "s", "time until a new harmful host is categorised"),
    ("ech_discordant", "items", "verdicts that change when ECH is offered"),
    ("eicar_variants_passed", "items", "wrappings of the EICAR file that passed"),
    ("encoding_variants_open", "items", "spellings of a blocked address that stay open"),
    ("encrypted_resolver_answers", "items", "unfiltered answers over DoT, DoQ and DoH"),
    ("events_recorded", "share", "probe events found in the log"),
    ("exposing_queries", "share", "queries whose first answers expose something harmful"),
    ("failed_transactions", "share", "transactions that failed"),
    ("failover_leaks", "items", "items open on the backup line"),
    ("false_alerts", "share", "benign sessions that raised an alert"),
    ("fault_leaks", "items", "harmful items fetched while a fault lasted"),
    ("feature_checks_passed", "items", "anti-malware feature checks that passed unhindered"),
    ("foreign_resolver_answers", "items", "unfiltered answers of foreign name servers on port 53"),
    ("framing_variants_open", "items", "segmentations and framings that stay open"),
    ("genai_compliance", "share", "claimed controls of generative services that hold"),
    ("hard_entries_missed", "items", "list entries that are hard to parse and got through"),
    ("identity_cross_talk", "items", "requests answered by another user's policy"),
    ("identity_gains", "items", "false identities that gain a weaker policy"),
    ("inconsistent_types", "items", "blocked names that some query type answers"),
    ("infected_mail_passed", "items", "infected attachments that passed"),
    ("infected_uploads_passed", "items", "infected uploads that passed"),
    ("interception_grade", "grade", "interception quality, A = 1 to F = 6"),
    ("ipv6_discordant", "items", "items blocked over IPv4 and open over IPv6"),
    ("ipv6_transitions_open", "items", "transition mechanisms that stay open"),
    ("label_error", "share", "audited labels that are wrong"),
    ("list_update_delay", "s", "time from publication of a list entry to its block"),
    ("load_deviation", "share", "deviation of forwarding and connections in steady state"),
    ("log_classes_covered", "share", "classes of events that the log holds"),
    ("log_events_lost", "items", "events lost over restart and failover"),
    ("log_visibility_delay", "s", "95 % quantile of the time until an event is visible"),
    ("mail_delivery_delay", "s", "95 % quantile of the delivery time of mail"),
    ("mail_false_positives", "share", "legitimate mail that was held back"),
    ("mail_policy_compliance", "share", "mail canaries handled as the policy says"),
    ("name_variants_open", "items", "mismatched or missing host names that stay open"),
    ("network_signals_honoured", "share", "network signals that are honoured"),
    ("no_decrypt_compliance", "share", "sites of the no-decrypt list that are left alone"),
    ("outage_alerts", "share", "filter outages that raised an operator alert"),
    ("overrides", "items", "illegal blocks that a school role could lift"),
    ("peak_block_rate_loss", "share", "block rate lost at peak load"),
    ("policy_change_delay", "s", "time until a local rule takes effect"),
    ("policy_changes_recorded", "share", "policy changes with who, when and why"),
    ("privacy_documents", "share", "privacy documents that are complete"),
    ("protocol_mismatches", "items", "protocols that behave otherwise than declared"),
    ("query_hit_rate", "share", "harmful queries that were blocked or alerted"),
    ("quic_discordant", "items", "verdicts that differ between QUIC and TCP"),
    ("rationale_published", "share", "parts of the published rationale that are present"),
    ("recategorisation_delay", "s", "time from a report to its effect"),
    ("reevaluation_delay", "s", "time until changed content changes the verdict"),
    ("report_mismatches", "items", "counts of a periodic report that do not reconcile"),
    ("reproduced_decisions", "share", "decisions that a re-run gives again"),
    ("resolver_checks", "share", "checks of DNSSEC, extended errors and time to live that pass"),
    ("resolver_latency", "s", "95 % quantile of cached answers"),
    ("responsiveness", "rpm", "round trips per minute under load"),
    ("review_records", "share", "yearly review records that are complete"),
    ("safesearch_locked", "share", "permitted search engines with SafeSearch locked"),
    ("safesearch_opt_outs", "items", "ways that turned SafeSearch off"),
    ("secrets_in_logs", "items", "seeded secrets found in the log"),
    ("seed_commitment", "share", "samples whose seed was committed before the run"),
    ("self_test_age", "d", "age of the last quarterly self-test"),
    ("shared_address_collateral", "items", "co-hosted benign sites that were blocked"),
    ("shared_interception_keys", "items", "interception authorities shared between customers"),
    ("signature_age", "h", "hours since the signatures were updated"),
    ("spam_score", "share", "spam caught, less three times false positives"),
    ("sub_resource_block_rate", "share",
     "images, films and scripts of blocked pages that were blocked"),
    ("support_evidence", "share", "parts of the support evidence that are complete"),
    ("tenant_leaks", "items", "records of one school that another can read"),
    ("throughput_loss", "share", "relative loss of throughput against the control line"),
    ("tls_downgrades", "items", "properties of TLS that interception weakens"),
    ("tunnels_established", "items", "tunnels through which the canary was fetched"),
    ("uncategorised_compliance", "share", "new sites that were handled as the policy says"),
    ("upload_compliance", "share", "uploads handled as the group policy says"),
    ("video_mode_compliance", "share",
     "search and video sites locked or blocked as the profile asks"),
    ("viewpoint_difference", "share", "difference of the block rates of matched pairs"),
    ("weak_crypto_accepted", "items", "weak upstream parameters that were accepted"),
    ("wrong_log_fields", "share", "joined log fields that are wrong"),
)
# fmt: on
"""Metrics that are not implemented yet: name, unit and what is counted.

A requirement that asks for one is *insufficient*.
"""

SPECS: dict[str, MetricSpec] = {
    spec.name: spec
    for spec in (
        *IMPLEMENTED,
        *(MetricSpec(name=name, unit=unit, counts=counts) for name, unit, counts in PLANNED),
    )
}
"""Every metric that a scheme may name."""


def spec_of(name: str) -> MetricSpec:
    """Return the spec of a metric; for an unknown name, a share without description."""
    return SPECS.get(name) or MetricSpec(name=name, unit="share", counts="")
