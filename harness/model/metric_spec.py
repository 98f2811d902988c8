"""Specifications of all metrics: unit, wording, bounds and the function that measures each.

Schemes, reports and early stopping read them. To add a metric, write its function in
``harness.estimate`` and its ``MetricSpec`` here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.model.corpus import PackKind
from harness.model.planned_metric import PLANNED

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
    items unknown to the supplier can show. ``by`` names the groups of which the worst stands.
    ``needs_probe`` is the only probe that shows what it measures, if there is one.
    With ``each_category`` each category that a requirement names must hold by itself; without
    ``counts_items`` it compares profiles, cells of the policy, probes or batches. ``with_twins``:
    benign twins are selected too, whatever is expected of them. One that is ``for_default_users``
    is measured only where users with the default policy are declared.
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
    with_twins: bool = False
    for_default_users: bool = False

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
    MetricSpec(name="addresses_differing", unit="items",
               counts="ways of addressing a page by which one is handled otherwise than required",
               words="addresses by which pages are handled otherwise",
               function="url_metrics:addresses_differing", verb="are handled otherwise",
               rests_on="content"),
    MetricSpec(name="age_bands_missing", unit="items",
               counts="of four age bands, those without a policy of their own",
               words="age groups without a policy of their own",
               function="profiles:age_bands_missing", rests_on="agreed", counts_items=False),
    MetricSpec(name="altered_downloads", unit="items",
               counts="clean downloads that were altered or blocked",
               words="clean files changed or blocked", function="file_cases:altered_downloads",
               verb="were changed or blocked", rests_on="content"),
    MetricSpec(name="appeal_delay", unit="s",
               counts="time until an appeal opens what was blocked",
               words="time until an appeal is decided", function="waits:appeal_delay",
               counts_items=False),
    MetricSpec(name="archive_bypasses", unit="items",
               counts="kinds of deep, encrypted or huge archives not handled as declared",
               words="archives not handled as declared", function="file_cases:archive_bypasses",
               verb="were not handled as declared", rests_on="content"),
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
    MetricSpec(name="block_rate_by_population", unit="share",
               counts="items that were blocked, in the worst stratum; popular, obscure and foreign "
                      "sites must be among them",
               words="share of items blocked, worst group of sites",
               function="url_metrics:block_rate_by_population", verb="were blocked",
               bounds="rate", rests_on="real", by="stratum"),
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
    MetricSpec(name="collateral_blocks", unit="items",
               counts="harmless pages of a listed site that were blocked",
               words="other pages of a listed site blocked",
               function="listed_entries:collateral_blocks", verb="were wrongly blocked",
               rests_on="agreed"),
    MetricSpec(name="content_block_rate", unit="share",
               counts="harmful pages on unknown hosts that were blocked",
               words="share of harmful pages on unknown sites blocked",
               function="worst_group:content_block_rate", verb="were blocked", bounds="rate",
               rests_on="content"),
    MetricSpec(name="control_success", unit="share",
               counts="counted items that were alive on the control line",
               words="share of items alive without the filter",
               function="line_metrics:control_success", bounds="observed"),
    MetricSpec(name="deep_page_block_rate", unit="share",
               counts="pages of users handled as required: harmful ones blocked, others open",
               words="share of single pages of users handled as required",
               function="url_metrics:deep_page_block_rate", verb="were handled as required",
               bounds="rate", rests_on="content"),
    MetricSpec(name="default_policy_leaks", unit="items",
               counts="items that are open to unidentified users and blocked by the strictest "
               "declared policy", words="items open to users who are not known",
               function="user_policies:default_policy_leaks", rests_on="agreed",
               counts_items=False, for_default_users=True),
    MetricSpec(name="design_effect", unit="ratio", counts="independent items that one item costs",
               words="design effect of shared domains", function="line_metrics:design_effect"),
    MetricSpec(name="discordant", unit="items",
               counts="items that one probe found blocked and another open",
               words="items blocked one way and open another", function="line_metrics:discordant",
               rests_on="agreed", counts_items=False),
    MetricSpec(name="eicar_variants_passed", unit="items",
               counts="ways of packing and transferring the EICAR file that passed",
               words="ways in which the test virus passed",
               function="file_cases:eicar_variants_passed", verb="passed", rests_on="content"),
    MetricSpec(name="explicit_share", unit="share",
               counts="blocked items whose block said what it was",
               words="share of blocks that say so", function="rates:explicit_share",
               verb="were blocked with an explanation", bounds="rate"),
    MetricSpec(name="exposing_queries", unit="share",
               counts="queries whose first results showed something harmful",
               words="share of searches with harmful first results",
               function="search_metrics:exposing_queries", verb="showed harmful results",
               bounds="rate", rests_on="content", with_twins=True),
    MetricSpec(name="feature_checks_passed", unit="items",
               counts="supported anti-malware feature checks that passed unhindered",
               words="feature checks that passed", function="file_cases:feature_checks_passed",
               verb="passed", rests_on="content"),
    MetricSpec(name="first_byte_overhead", unit="s",
               counts="quantile of the paired difference of the time to first byte",
               words="waiting added by the filter", function="durations:first_byte_overhead"),
    MetricSpec(name="first_byte_overhead_share", unit="share",
               counts="relative time to first byte that the service adds (Hodges-Lehmann)",
               words="waiting added by the filter, as a share",
               function="durations:first_byte_overhead_share", bounds="shift"),
    MetricSpec(name="genai_compliance", unit="share",
               counts="generative services that were handled as the policy of their profile says",
               words="generative services handled as the policy says",
               function="line_metrics:genai_compliance", verb="were handled so",
               bounds="observed", rests_on="agreed"),
    MetricSpec(name="hard_entries_missed", unit="items",
               counts="list entries that are hard to match and got through",
               words="unusual list entries let through",
               function="listed_entries:hard_entries_missed", verb="got through",
               rests_on="agreed"),
    MetricSpec(name="identity_cross_talk", unit="items",
               counts="requests answered by another user's policy",
               words="requests answered by another user's policy",
               function="user_policies:identity_cross_talk", counts_items=False),
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
    MetricSpec(name="infected_uploads_passed", unit="items",
               counts="ways of uploading in which the EICAR file passed",
               words="ways in which infected files could be uploaded",
               function="file_cases:infected_uploads_passed", verb="passed", rests_on="content"),
    MetricSpec(name="instrument_record", unit="share",
               counts="records of the instrument in which nothing is missing",
               words="measuring equipment on record", function="line_metrics:instrument_record",
               bounds="observed"),
    MetricSpec(name="list_entries_missed", unit="items",
               counts="list entries that got through over HTTP or HTTPS",
               words="list entries let through", function="listed_entries:list_entries_missed",
               verb="got through", rests_on="agreed", each_category=True),
    MetricSpec(name="list_update_delay", unit="s",
               counts="time until a change of a list takes effect",
               words="time until the list is up to date", function="waits:list_update_delay",
               counts_items=False),
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
    MetricSpec(name="overrides", unit="items",
               counts="illegal pages that a school role could open",
               words="illegal blocks that a school role could lift",
               function="listed_entries:overrides", verb="could be opened by a role",
               rests_on="agreed"),
    MetricSpec(name="overrides_alive", unit="items",
               counts="overrides that still opened a page a minute after their end",
               words="overrides that outlived their end", function="waits:overrides_alive",
               verb="outlived their end", counts_items=False),
    MetricSpec(name="policy_change_delay", unit="s",
               counts="time until a rule of the school takes effect",
               words="time until the school's own rule works", function="waits:policy_change_delay",
               counts_items=False),
    MetricSpec(name="profiles_missing", unit="items",
               counts="of pupils and staff, profiles without a policy of their own",
               words="profiles without a policy of their own", function="profiles:profiles_missing",
               rests_on="agreed", counts_items=False),
    MetricSpec(name="protocol_mismatches", unit="items",
               counts="protocols beside the web that behave otherwise than declared",
               words="protocols that behave otherwise than declared",
               function="protocols:protocol_mismatches", verb="behave otherwise than declared",
               rests_on="content"),
    MetricSpec(name="pupil_difference", unit="share",
               counts="items blocked for the test that a pupil would have got",
               words="items blocked for the test alone", function="plain_twins:pupil_difference",
               counts_items=False),
    MetricSpec(name="query_hit_rate", unit="share",
               counts="harmful queries that were blocked",
               words="share of harmful searches blocked",
               function="search_metrics:query_hit_rate", verb="were blocked", bounds="rate",
               rests_on="content", with_twins=True),
    MetricSpec(name="reevaluation_delay", unit="s",
               counts="time until changed content changes what the service does",
               words="time until a changed page is seen again", function="waits:reevaluation_delay",
               counts_items=False),
    MetricSpec(name="safesearch_locked", unit="share",
               counts="permitted search engines with SafeSearch locked",
               words="share of search engines locked",
               function="search_metrics:safesearch_locked", verb="were locked",
               rests_on="content", with_twins=True),
    MetricSpec(name="safesearch_opt_outs", unit="items", counts="ways that turned SafeSearch off",
               words="ways to turn SafeSearch off", function="search_metrics:safesearch_opt_outs",
               verb="turned it off", rests_on="content", with_twins=True),
    MetricSpec(name="segment_ports_open", unit="items",
               counts="ports of a network segment at which a harmful page got through",
               words="ports of the segment that are not filtered",
               function="url_metrics:segment_ports_open", verb="are not filtered",
               rests_on="content"),
    MetricSpec(name="sentinel_agreement", unit="share",
               counts="sentinels around the batches that behaved as agreed",
               words="agreement of the check items", function="line_metrics:sentinel_agreement",
               bounds="observed", counts_items=False),
    MetricSpec(name="shared_address_collateral", unit="items",
               counts="harmless sites at the address of a blocked one that were blocked",
               words="sites blocked for sharing an address",
               function="listed_entries:shared_address_collateral", verb="were wrongly blocked",
               rests_on="agreed"),
    MetricSpec(name="sites_differing", unit="sites",
               counts="sites whose policy differs from that of the others undeclared",
               words="sites that differ undeclared", function="site_policies:sites_differing",
               rests_on="agreed", counts_items=False),
    MetricSpec(name="sub_resource_block_rate", unit="share",
               counts="images, videos and scripts handled as required: blocked with their page, "
                      "or open with it",
               words="share of parts of pages handled as required",
               function="url_metrics:sub_resource_block_rate", verb="were handled as required",
               bounds="rate", rests_on="content"),
    MetricSpec(name="superset_violations", unit="items",
               counts="items that a stricter profile allows and a weaker one blocks",
               words="items open to younger and blocked for older users",
               function="profiles:superset_violations", rests_on="agreed", counts_items=False),
    MetricSpec(name="trigger_overblock_rate", unit="share",
               counts="harmless pages with suspicious words that were blocked",
               words="share of harmless pages with suspicious words blocked",
               function="url_metrics:trigger_overblock_rate", verb="were wrongly blocked",
               bounds="rate", rests_on="content"),
    MetricSpec(name="uncategorised_compliance", unit="share",
               counts="new sites that were handled as the service's policy says",
               words="share of new sites handled as declared",
               function="url_metrics:uncategorised_compliance", verb="were handled as declared",
               bounds="rate", rests_on="content"),
    MetricSpec(name="upload_compliance", unit="share",
               counts="ways of uploading that are handled as declared for the group",
               words="share of ways of uploading handled as declared",
               function="file_cases:upload_compliance", verb="were handled as declared",
               rests_on="content"),
    MetricSpec(name="video_mode_compliance", unit="share",
               counts="search and video sites locked or blocked as the profile asks",
               words="share of search and video sites handled as agreed",
               function="search_metrics:video_mode_compliance", verb="were handled as agreed",
               rests_on="content", with_twins=True),
    MetricSpec(name="viewers_exposing", unit="items",
               counts="translators, caches and readers that expose blocked pages",
               words="viewers that show blocked pages", function="cases:viewers_exposing",
               verb="show blocked pages", rests_on="content"),
    MetricSpec(name="viewpoint_difference", unit="share",
               counts="least difference of the block rates of matched pairs that fits the pairs: "
                      "0 if the two-sided interval contains 0 (McNemar)",
               words="difference between viewpoints",
               function="viewpoints:viewpoint_difference", rests_on="content",
               counts_items=False),
    MetricSpec(name="wrong_cells", unit="cells",
               counts="categories with an item handled otherwise than the policy says",
               words="policy rules that went wrong", function="line_metrics:wrong_cells",
               rests_on="agreed", counts_items=False),
)
"""The metrics that are implemented."""

# fmt: on

SPECS: dict[str, MetricSpec] = {
    spec.name: spec
    for spec in (
        *IMPLEMENTED,
        *(MetricSpec(name=name, unit=unit, counts=counts) for name, unit, counts in PLANNED),
    )
}
"""Every metric that a scheme may name."""


LIST_CENSUSES = frozenset({"missed", "list_entries_missed"})
"""Metrics that count the missed entries of a whole list."""


def spec_of(name: str) -> MetricSpec:
    """Return the spec of a metric; for an unknown name, a share without description."""
    return SPECS.get(name) or MetricSpec(name=name, unit="share", counts="")
