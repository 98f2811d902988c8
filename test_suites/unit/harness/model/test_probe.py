"""What stages read of a probe, instead of its name."""

from __future__ import annotations

import pytest

from harness.model.corpus import Item, ItemKind
from harness.model.probe import EARLIER, OTHER, declared
from harness.plugins import PROBES
from harness.ports.network import fits


@pytest.mark.parametrize(
    ("value", "kind", "probes"),
    [
        ("http://a.test/x", "url", {"web", "dns"}),
        ("HTTPS://b.test/x", "url", {"web_https", "dns"}),
        ("c.test", "host", {"web", "web_https", "dns"}),
        ("d.test/x", "url", {"web", "web_https", "dns"}),
        ("", "host", set()),
        ("a vector", "vector", set()),
    ],
)
def test_a_url_is_tried_by_the_probe_of_its_own_scheme(
    value: str, kind: ItemKind, probes: set[str]
) -> None:
    item = Item(id="i", value=value, labels=("DRUG",), kind=kind)
    able = {name: PROBES.find(name)() for name in ("web", "web_https", "dns")}

    assert {name for name, each in able.items() if fits(each, item)} == probes


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_page_of_a_technique_is_tried_in_the_plain_form_by_its_scheme(scheme: str) -> None:
    item = Item(
        id="i", value="http1 GET {target}", kind="vector", labels=("MALW.BYPASS",),
        registrable="i.ways.test", stratum=f"MALW.BYPASS/way:spelling:case:{scheme}",
    )  # fmt: skip
    able = {name: PROBES.find(name)() for name in ("web", "web_https", "dns", "techniques")}

    plain = "web" if scheme == "http" else "web_https"
    assert {name for name, each in able.items() if fits(each, item)} == {plain, "techniques"}
    assert item.url(scheme) == f"{scheme}://i.ways.test/"


def test_no_name_server_sees_a_path() -> None:
    page = Item(id="i", value="http://i.test/a", labels=("DRUG",), applies_to="url")
    host = Item(id="i", value="i.test", labels=("DRUG",))

    assert not EARLIER["dns"].can_see(page)
    assert EARLIER["web"].can_see(page)
    assert EARLIER["dns"].can_see(host)


def test_a_journal_that_says_nothing_of_its_probes_is_read_as_it_was() -> None:
    for name, make in PROBES.load().items():
        now, then = make().declares, declared({}, name)
        if make.__module__.startswith("probes.") and now.facts not in (
            "sealed",
            "technique",
            "tls_check",
            "transfer",
        ):
            assert (now.counts, now.has_twins, now.facts) == (
                then.counts,
                then.has_twins,
                then.facts,
            )
    assert OTHER == declared({}, "somebody's")
    assert not declared({}, "dns_https").counts
