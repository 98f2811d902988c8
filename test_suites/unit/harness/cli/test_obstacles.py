"""What stands in the way of any favourable result is named, with what would help."""

from __future__ import annotations

from msgspec.structs import replace

from harness.model.transition_address import TRANSITIONS
from harness.model.url_case import ADDRESSES, PORTS
from test_suites.unit.harness.cli.tried_places import STRICT, items, of, place


def test_too_few_domains_are_told_with_the_number_that_is_needed() -> None:
    (one,) = of("MAL-03", place(items("MALW.MAL", 89)))

    assert "MAL-03[pupils-proxy]" == one.id
    assert "domains to try: 89 of MALW.MAL, 0 of MALW.PHISH; needed: 90 each" == one.why
    assert "choose more of them under corpora" == one.remedy
    both = [*items("MALW.MAL", 90), *items("MALW.PHISH", 90)]
    assert not of("MAL-03", place(both))


def test_ninety_pages_of_one_domain_are_one_domain() -> None:
    (one,) = of("MAL-03", place(items("MALW.MAL", 90, registrable="one.test")))

    assert one.why.startswith("domains to try: 1 of MALW.MAL")


def test_a_category_that_is_not_there_is_named_although_others_are_plenty() -> None:
    tried = [item for code in ("HARM", "MALW", "PIRA", "DISC") for item in items(code, 900)]
    (one,) = of("URL-06", place(tried))

    assert one.why == "domains to try: 0 of GAMB; needed: 90 each"
    assert one.remedy.endswith("import a list of 90 real domains (accredit corpus import)")


def test_over_blocking_is_told_by_topic_and_where_more_are() -> None:
    tried = [*items("ALW.HEALTH", 500), *items("ALW.SEXED", 12)]
    (one,) = of("OVB-03", place(tried))

    expected = "0 of ALW.LGBT, 12 of ALW.SEXED, 0 of ALW.SUPPORT; needed: 459 each"
    assert one.why == f"domains to try: {expected}"
    assert "school-pages" in one.remedy
    (one_list,) = of("OVB-05", place(items("ALW.SEXED", 12)))
    assert "12 of ALW; needed: 152" in one_list.why


def test_a_census_needs_every_entry() -> None:
    frames = {"ILL.CSAM": 120, "DRUG": 500}
    both = ("web", "web_https")
    (one,) = of("ILL-01", place(items("ILL.CSAM", 60), frames=frames, probes=both))

    assert ("only 60 of 120 entries are chosen; a census needs all", "remove 'sample'") == (
        one.why,
        one.remedy,
    )
    assert not of("ILL-01", place(items("ILL.CSAM", 120), frames=frames, probes=both))


def test_a_sealed_list_needs_both_of_its_probes() -> None:
    sealed = [
        replace(one, id=f"{number:064x}", value=f"{number:064x}", kind="sealed")
        for number, one in enumerate(items("ILL.CSAM", 60))
    ]
    (one,) = of("ILL-01", place(sealed, probes=("web", "web_https", "sealed_list")))

    assert (one.why, one.remedy) == (
        "no probe tries the entries of the sealed list over HTTPS",
        "give the line the probes sealed_list and sealed_list_https",
    )
    assert not of("ILL-01", place(sealed, probes=("sealed_list", "sealed_list_https")))


def test_profiles_of_each_band_and_cells_are_needed() -> None:
    alone = place(items("DRUG", 9))
    reasons = {code: of(code, alone)[0].why for code in ("POL-01", "POL-02", "POL-04")}

    assert reasons == {
        "POL-01": "no profile for staff",
        "POL-02": "no profile for ks1 or ks2; ks4 or post16; staff",
        "POL-04": "there is only one school phase",
    }
    assert "fewer than 5 items of ADLT, " in of("POL-03", alone)[0].why
    both = place(items("DRUG", 9), probes=("web", "dns"), phases=frozenset({"ks1", "staff"}))
    assert not of("POL-01", both)
    assert not of("POL-04", both)
    assert "no profile for ks3; ks4 or post16" == of("POL-02", both)[0].why


def test_metrics_that_compare_probes_need_two() -> None:
    measure = STRICT.requirements[0].measure
    measure = measure.model_copy(update={"metric": "discordant", "categories": (), "strata": ()})
    rows = [
        one.model_copy(update={"measure": measure, "items": "agreed"})
        for one in STRICT.requirements
        if one.id == "URL-13"
    ]
    scheme = STRICT.model_copy(update={"requirements": tuple(rows)})

    (one,) = of("URL-13", place(items("DRUG", 9)), scheme=scheme)
    assert one.why == "only 0 items are tried by two probes"
    assert not of("URL-13", place(items("DRUG", 9), probes=("web", "dns")), scheme=scheme)


def test_each_case_of_web_addresses_is_needed() -> None:
    some = ("address:http", "address:www", "address:path")
    tried = [one for case in some for one in items("DRUG", 9, stratum=f"DRUG/{case}")]
    (one,) = of("URL-13", place(tried))

    assert "by HTTPS, by HTTP on port 8080, by HTTPS on port 8443, by a redirect" in one.why
    assert "'www.'" not in one.why
    assert "url-pages" in one.remedy
    whole = [one for case in ADDRESSES for one in items("DRUG", 9, stratum=f"DRUG/{case}")]
    (unlisted,) = of("URL-13", place(whole))
    assert unlisted.why.endswith("no item of that list: DRUG")
    assert not of("URL-13", place(whole + items("DRUG", 9, stratum="DRUG")))


def test_transition_mechanisms_need_their_pages_and_both_probes() -> None:
    probes = ("web", "web_transitions")
    listed = items("DRUG", 9, stratum="DRUG")
    pages = [one for case in TRANSITIONS for one in items("DRUG", 3, stratum=f"DRUG/{case}")]

    (missing,) = of("IP6-02", place(listed + pages[3:], probes=probes))
    assert missing.why == f"no item tries: {TRANSITIONS['transition:nat64']}"
    assert missing.remedy.endswith(
        "pack url-pages of the origin, and the probes web and web_transitions"
    )
    for one in probes:
        (unused,) = of("IP6-02", place(listed + pages, probes=[one]))
        assert unused.remedy == f"add {(*{*probes} - {one},)[0]} to probes"
    assert not of("IP6-02", place(listed + pages, probes=probes))


def test_a_udp_port_needs_its_pages_and_its_probe() -> None:
    probes = ("web", "web_https", "web_h3")
    listed = items("DRUG", 9, stratum="DRUG")
    pages = [one for case in PORTS for one in items("DRUG", 3, stratum=f"DRUG/{case}")]

    for supply, of_line in ((listed + pages[:-3], probes), (listed + pages, probes[:2])):
        (missing,) = of("URL-19", place(supply, probes=of_line))
        assert missing.why == "no item tries: UDP port 443"
        assert missing.remedy.endswith("and the probes web, web_https and web_h3")
    assert not of("URL-19", place(listed + pages, probes=probes))


def test_plain_twins_need_a_number_and_items() -> None:
    tried = items("DRUG", 299)

    assert not of("TQ-10", place(tried, twins=299))
    (short,) = of("TQ-10", place(tried, twins=298))
    assert ("plain_twins.number is 298; needed: 299", "raise it") == (short.why, short.remedy)
    for few in (
        place(tried[1:], twins=299),
        place(tried, probes=("dns_aaaa",), twins=299),
        place(items("ALW.SEXED", 999), twins=299),
    ):
        assert "items that must be blocked can be tried as a pupil would" in of("TQ-10", few)[0].why
