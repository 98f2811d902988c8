"""Specifications of the metrics of techniques to bypass the filter."""

from __future__ import annotations

from harness.model.metric_form import MetricSpec


def _open(name: str, function: str, counts: str, words: str) -> MetricSpec:
    """Return the specification of a number of open classes of techniques."""
    return MetricSpec(
        name=name,
        unit="items",
        counts=counts,
        words=words,
        function=f"technique_metrics:{function}",
        verb="stay open",
        rests_on="agreed",
        needs_probe="techniques",
        of_techniques=True,
    )


# fmt: off
TECHNIQUE_METRICS = (
    MetricSpec(name="circumvention_stopped", unit="share",
               counts="techniques to bypass the filter that were stopped; none of a critical group "
                      "may be open",
               words="techniques that were stopped",
               function="technique_metrics:circumvention_stopped", verb="were stopped",
               bounds="observed", rests_on="agreed", needs_probe="techniques",
               of_techniques=True),
    _open("control_tunnels_open", "control_tunnels_open",
          "kinds of tunnels in control protocols by which a blocked page arrived",
          "tunnels in control protocols that stay open"),
    _open("device_differences", "device_differences",
          "kinds of devices and browsers to which a page came that is blocked otherwise",
          "kinds of devices and browsers that get blocked pages"),
    _open("ech_discordant", "ech_discordant",
          "kinds of encrypted names (ECH) by which a blocked page arrived",
          "kinds of encrypted names that stay open"),
    _open("encoding_variants_open", "encoding_variants_open",
          "kinds of spellings of an address by which a blocked page arrived",
          "kinds of spellings that stay open"),
    _open("encrypted_resolver_answers", "encrypted_resolver_answers",
          "kinds of encrypted name servers by which a blocked page arrived",
          "kinds of encrypted DNS that stay open"),
    _open("foreign_resolver_answers", "foreign_resolver_answers",
          "kinds of queries to other name servers by which a blocked page arrived",
          "kinds of queries to other name servers that stay open"),
    _open("framing_variants_open", "framing_variants_open",
          "kinds of split and rearranged requests by which a blocked page arrived",
          "kinds of split requests that stay open"),
    MetricSpec(name="hello_differences", unit="items",
               counts="ways of sending a large ClientHello by which a blocked page arrived, or a "
                      "harmless one did not",
               words="ways of sending a large ClientHello that make a difference",
               function="technique_metrics:hello_differences", verb="make a difference",
               rests_on="agreed", needs_probe="techniques", with_twins=True, of_techniques=True),
    _open("identity_gains", "identity_gains",
          "kinds of false identities by which a blocked page arrived",
          "kinds of false identities that gain a weaker policy"),
    _open("name_variants_open", "name_variants_open",
          "kinds of disguised site names by which a blocked page arrived",
          "kinds of disguised names that stay open"),
    MetricSpec(name="network_signals_dishonoured", unit="items",
               counts="kinds of signals against unfiltered DNS that are not given",
               words="signals against unfiltered DNS that are missing",
               function="signal_metrics:network_signals_dishonoured", verb="are missing",
               rests_on="agreed", needs_probe="dns", of_techniques=True),
    _open("quic_discordant", "quic_discordant",
          "kinds of QUIC by which a blocked page arrived", "kinds of QUIC that stay open"),
    _open("relays_open", "relays_open",
          "relays on allowed sites through which a blocked page arrived",
          "relays on allowed sites that stay open"),
    MetricSpec(name="tunnels_established", unit="items",
               counts="kinds of VPNs and other tunnels through which a blocked page arrived",
               words="tunnels that were established",
               function="technique_metrics:tunnels_established", verb="were established",
               rests_on="agreed", needs_probe="techniques", of_techniques=True),
)
# fmt: on
