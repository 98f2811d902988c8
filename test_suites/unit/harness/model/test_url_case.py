"""Cases of web addresses: names in words, and paths that tell nothing."""

from __future__ import annotations

from harness.model.url_case import CASES_OF_METRIC, DEEP_PAGES, URL_CASES, deep_path


def test_each_case_has_words_of_its_own() -> None:
    assert len(set(URL_CASES.values())) == len(URL_CASES)
    assert {name for cases in CASES_OF_METRIC.values() for name in cases} <= URL_CASES.keys()


def test_a_path_does_not_tell_whether_its_page_is_harmful() -> None:
    for case in DEEP_PAGES:
        hosts = [f"host-{number}.sites.example" for number in range(100)]
        pairs = [
            tuple(deep_path(case, host, is_harmful=one) for one in (True, False)) for host in hosts
        ]
        assert all(harmful != harmless for harmful, harmless in pairs)
        assert 30 < sum(harmful < harmless for harmful, harmless in pairs) < 70


def test_a_page_keeps_its_path_on_the_hosts_of_an_origin() -> None:
    here, there = (
        deep_path("deep:blog", f"amber-gate.sites.{zone}", is_harmful=True)
        for zone in ("accredit.test", "own.example")
    )
    assert here == there
