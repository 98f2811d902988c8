"""Specifications of the metrics of name servers, IPv6 and updates."""

from __future__ import annotations

from harness.model.metric_form import MetricSpec

# fmt: off
RESOLVER_METRICS = (
    MetricSpec(name="discovery_delay", unit="s",
               counts="time until a new harmful site is blocked: median, or the 90 % quantile in "
                      "proportion to 7 days",
               words="time until a new harmful site is blocked",
               function="discovery:discovery_delay", counts_items=False,
               worst_of="both quantiles"),
    MetricSpec(name="inconsistent_types", unit="items",
               counts="forms of DNS queries in which a blocked name is answered",
               words="forms of queries in which blocked names are answered",
               function="resolver_metrics:inconsistent_types", verb="answer blocked names",
               needs_probe="dns_queries"),
    MetricSpec(name="ipv6_discordant", unit="items",
               counts="items that are blocked over IPv4 and open over IPv6",
               words="items open over IPv6 alone", function="ipv6_metrics:ipv6_discordant",
               verb="are open over IPv6", needs_probe="web_ipv6"),
    MetricSpec(name="ipv6_transitions_open", unit="items",
               counts="transition mechanisms by whose IPv6 addresses a blocked page arrived",
               words="transition mechanisms that stay open",
               function="ipv6_metrics:ipv6_transitions_open", verb="stay open",
               rests_on="content", needs_probe="web_transitions"),
    MetricSpec(name="recategorisation_delay", unit="s",
               counts="working time from the report of a wrong category until its effect",
               words="working time until a reported site is corrected",
               function="waits:recategorisation_delay", counts_items=False,
               worst_of="sites reported as open and as blocked"),
    MetricSpec(name="resolver_checks", unit="share",
               counts="checks of signatures, reasons and times to live that the name server passes",
               words="checks that the name server passes",
               function="resolver_metrics:resolver_checks", bounds="observed",
               needs_probe="dns_queries", counts_items=False, with_twins=True),
    MetricSpec(name="resolver_latency", unit="s",
               counts="95 % quantile of the time to an answer just asked for; the quantile for "
                      "fresh names (250 ms) and the share without an answer (0.1 %) in proportion",
               words="time until the name server answers",
               function="resolver_delays:resolver_latency", needs_probe="dns_queries",
               counts_items=False, with_twins=True,
               worst_of="cached names, fresh names and lost questions"),
)
# fmt: on
