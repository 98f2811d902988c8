"""Every metric that can be taken, by the name that a scheme gives it."""

from __future__ import annotations

from collections.abc import Callable

from harness.estimate import by_kind, latency, line_metrics, plain_twins, rates, worst_group
from harness.estimate.item_selection import Selection
from harness.estimate.rates import Taken

METRICS: dict[str, Callable[[Selection], Taken]] = {
    take.__name__: take
    for take in (
        worst_group.block_rate,
        worst_group.block_rate_by_category,
        worst_group.block_rate_by_language,
        worst_group.block_rate_by_stratum,
        worst_group.content_block_rate,
        by_kind.age_bands_missing,
        line_metrics.clean_blocked_per_harmful,
        line_metrics.control_success,
        line_metrics.design_effect,
        by_kind.discordant,
        rates.explicit_share,
        latency.first_byte_overhead,
        latency.first_byte_overhead_share,
        line_metrics.indeterminate_share,
        line_metrics.instrument_record,
        worst_group.missed,
        worst_group.overblock_rate,
        worst_group.overblock_rate_by_category,
        worst_group.overblocked,
        by_kind.profiles_missing,
        line_metrics.sentinel_agreement,
        by_kind.superset_violations,
        plain_twins.pupil_difference,
        by_kind.wrong_cells,
    )
}
"""Every metric that can be taken, by the name a scheme gives it."""
