"""The line of a trend is cut where the version of our software changed, as far as it is known."""

from __future__ import annotations

from test_suites.kit.campaigns.instrument import record as instrument_record
from test_suites.unit.reports.site.test_trends import campaign, measured, with_campaigns


def test_a_version_that_is_not_known_is_no_change() -> None:
    """Known versions are compared across it, and told of."""
    versions = ("", "0.1.0", "", "0.1.0", "", "0.2.0")
    trend = with_campaigns(
        *(
            campaign(day, measured(98, instrument=(instrument_record(libraries=own),)))
            for day, version in enumerate(versions, 1)
            for own in [{"isp-accredit": version} if version else {}]
        )
    )

    assert [point.is_new for point in trend.series[0].points] == [False] * 5 + [True]
    breaking = [(cause.what, cause.detail) for cause in trend.causes if cause.breaks]
    assert breaking == [("Our software", "accredit 0.1.0 to 0.2.0")]
