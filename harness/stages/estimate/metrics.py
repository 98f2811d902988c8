"""Every metric that can be taken, by the name that a scheme gives it."""

from __future__ import annotations

from collections.abc import Callable

from harness.stages.estimate import by_kind, groups, instrument, latency, plain_twins, rates, whole
from harness.stages.estimate.rates import Taken
from harness.stages.estimate.scope import Selection

METRICS: dict[str, Callable[[Selection], Taken]] = {
    take.__name__: take
    for take in (
        groups.block_rate,
        groups.block_rate_by_category,
        groups.block_rate_by_language,
        groups.block_rate_by_stratum,
        groups.content_block_rate,
        by_kind.age_bands_missing,
        whole.clean_blocked_per_harmful,
        whole.control_success,
        whole.design_effect,
        by_kind.discordant,
        rates.explicit_share,
        latency.first_byte_overhead,
        latency.first_byte_overhead_share,
        whole.indeterminate_share,
        instrument.instrument_record,
        groups.missed,
        groups.overblock_rate,
        groups.overblock_rate_by_category,
        groups.overblocked,
        by_kind.profiles_missing,
        whole.sentinel_agreement,
        by_kind.superset_violations,
        plain_twins.pupil_difference,
        by_kind.wrong_cells,
    )
}
"""Every metric that can be taken, by the name a scheme gives it."""
