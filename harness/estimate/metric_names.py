"""The names of the metrics that can be taken, for programs that have no scipy.

``harness.estimate.metrics.METRICS`` has the functions; a test holds the two together.
"""

from __future__ import annotations

METRIC_NAMES = frozenset(
    {
        "age_bands_missing",
        "block_rate",
        "block_rate_by_category",
        "block_rate_by_language",
        "block_rate_by_stratum",
        "clean_blocked_per_harmful",
        "content_block_rate",
        "control_success",
        "design_effect",
        "discordant",
        "explicit_share",
        "first_byte_overhead",
        "first_byte_overhead_share",
        "indeterminate_share",
        "instrument_record",
        "missed",
        "overblock_rate",
        "overblock_rate_by_category",
        "overblocked",
        "profiles_missing",
        "pupil_difference",
        "sentinel_agreement",
        "superset_violations",
        "wrong_cells",
    }
)
