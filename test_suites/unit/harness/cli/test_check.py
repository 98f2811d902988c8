"""The verb ``check``: a school's own check through a played internet."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.cli import check, check_plan
from test_suites.kit.networks.internet_double import BLOCKED, Reaction, lets_all_through
from test_suites.unit.harness.cli.checking_school import (
    AGENCY,
    ENDPOINTS,
    ORDINARY,
    School,
    agency,
    good_filter,
    reasons,
    results,
)

NEVER = re.compile(
    r"accredited|accreditation|conform|\bpass(?:ed|es)?\b|complian|certified", re.IGNORECASE
)
"""Words that a school's own check may not use about a service."""


def answers(style: str) -> Reaction:
    """A filter that refuses encrypted name servers, and answers agencies' pages in a style."""
    return lambda host: style if host in AGENCY else good_filter(host)


def test_a_filter_that_refuses_the_test_pages_leaves_nothing_to_do(school: School) -> None:
    ended = school.check(school.behind(good_filter), "--by", "A. Teacher", "--site", "Green School")

    (record,) = school.records()
    assert 0 == ended.exit_code, ended.output
    assert "Nothing that was tried here needs attention." in ended.stdout
    assert {"blocked"} == agency(record)
    assert {"blocked"} == set(results(record, "encrypted_dns").values())
    assert ("A. Teacher", "Green School") == (
        record["circumstances"]["by"], record["circumstances"]["site"],
    )  # fmt: skip


def test_everything_arrives_through_a_filter_that_is_off(school: School) -> None:
    ended = school.check(school.behind(lets_all_through))

    (record,) = school.records()
    assert 1 == ended.exit_code, ended.output
    assert {"got through"} == set(results(record, "agency").values())
    assert {"got through"} == set(results(record, "encrypted_dns").values())
    assert "Test pages of agencies: Show this page to your supplier" in re.sub(
        r"\s+", " ", ended.stdout
    )


def test_a_filter_that_opens_encryption_is_seen_by_the_marks_and_reported(school: School) -> None:
    ended = school.check(school.behind(lets_all_through, opens_tls=True))

    (record,) = school.records()
    assert 1 == ended.exit_code, ended.output
    assert {"got through"} == set(results(record, "agency").values())
    assert {"reported"} == set(results(record, "certificate").values())
    assert all(
        "not from a public authority that we know" in reason
        for reason in reasons(record, "certificate")
    )


def test_without_interception_the_certificate_is_reported_as_public(school: School) -> None:
    school.check(school.behind(lets_all_through))

    (record,) = school.records()
    assert all("issued by a public" in reason for reason in reasons(record, "certificate"))


def test_a_dead_proxy_tells_nothing(school: School, tmp_path: Path) -> None:
    ended = school.run("--proxy", "http://127.0.0.1:9")

    (record,) = school.records()
    assert 3 == ended.exit_code, ended.output
    assert {"start"} == {row["part"] for row in record["rows"]}
    assert "blocked" not in {row["result"] for row in record["rows"]}
    assert (
        "all else: most ordinary pages did not arrive; see their reasons"
        == (record["not_tried"][-1])
    )


def test_a_captive_portal_tells_nothing(school: School) -> None:
    double = school.behind(lambda _: "portal")
    ended = school.check(double)

    (record,) = school.records()
    assert 3 == ended.exit_code, ended.output
    assert {"could not be told"} == {row["result"] for row in record["rows"]}
    said = " ".join(ended.stdout.split())
    assert "Most ordinary pages did not arrive; see their reasons." in said
    assert "neither the test page as we know it" in said
    assert "A page came that is neither the test page as we know it" in school.page()
    assert not [line for line in double.asked if not any(host in line for host in ORDINARY)]


def test_a_page_with_status_200_that_says_blocked_is_a_block(school: School) -> None:
    ended = school.check(school.behind(answers("page")))

    (record,) = school.records()
    assert 0 == ended.exit_code, ended.output
    assert {"blocked"} == agency(record)


def test_a_plain_page_is_a_block_only_if_the_school_describes_it(school: School) -> None:
    double = school.behind(answers("plain"))
    unknown = school.check(double)
    described = school.check(double, "--block-page", "nothing to  SEE")

    first, second = school.records()
    assert (3, 0) == (unknown.exit_code, described.exit_code), described.output
    assert {"could not be told"} == agency(first)
    assert {"blocked"} == agency(second)


@pytest.mark.parametrize("style", ["silent", "reset", "busy"])
def test_silence_cuts_and_trouble_are_never_a_block(style: str, school: School) -> None:
    ended = school.check(school.behind(lambda host: style if good_filter(host) else ""))

    (record,) = school.records()
    assert 3 == ended.exit_code, ended.output
    told = {*results(record, "agency").values(), *results(record, "encrypted_dns").values()}
    assert {"could not be told", "got through"} == told  # the page for decryption is not filtered
    assert "blocked" not in told


def test_an_agencys_page_may_lead_to_the_block_page_inside_the_network(school: School) -> None:
    double = school.behind(answers("inside"))
    double.pages["10.1.2.3/notice"] = BLOCKED
    school.check(double)

    (record,) = school.records()
    assert {"blocked"} == agency(record)
    assert "GET http://10.1.2.3/notice" in double.asked


def test_no_other_page_may_lead_into_the_network(school: School) -> None:
    double = school.behind(lambda host: "inside" if "bluecoat" in host else good_filter(host))
    school.check(double)

    (record,) = school.records()
    sent = {
        row["reason"] for row in record["rows"]
        if "bluecoat" in row["address"]
    }  # fmt: skip
    assert not [line for line in double.asked if "10.1.2.3" in line]
    assert all("which was not visited" in reason for reason in sent)


def test_a_line_that_dies_in_the_middle_takes_back_what_looked_blocked(school: School) -> None:
    seen: list[str] = []

    def dies(host: str) -> str:
        seen.append(host)
        return "refuse" if host not in ORDINARY or seen.count(host) > 2 else ""

    ended = school.check(school.behind(dies))

    (record,) = school.records()
    assert 3 == ended.exit_code, ended.output
    assert "blocked" not in results(record, "agency").values()
    assert "ordinary pages did not arrive before or after it" in " ".join(reasons(record, "agency"))
    assert record["lost"] > 0
    assert "Ordinary pages did not arrive" in school.page()


def test_pages_of_other_vendors_are_information_and_those_of_the_supplier_count(
    school: School,
) -> None:
    double = school.behind(good_filter)
    others = school.check(double)
    own = school.check(double, "--supplier", "fortinet")

    first, second = school.records()
    assert (0, 1) == (others.exit_code, own.exit_code), own.output
    assert {"for information"} == {
        row["attention"] for row in first["rows"] if row["part"] == "vendor"
    }
    needed = [row for row in second["rows"] if row["attention"] == "needs attention"]
    assert {"Fortinet"} == {row["publisher"] for row in needed}
    assert len(needed) > 10


def test_an_unknown_supplier_is_the_users_mistake(school: School) -> None:
    ended = school.run("--supplier", "Nobody Ltd", "--proxy", "http://127.0.0.1:9")

    assert "no test pages of a supplier 'Nobody Ltd' are known" in str(ended.exception)
    assert not school.out.exists()


def test_listing_sends_nothing_and_writes_nothing(school: School) -> None:
    double = school.behind(good_filter)
    ended = school.check(double, "--list")

    assert 0 == ended.exit_code, ended.output
    assert [] == double.asked
    assert not school.out.exists()
    for host in (*AGENCY, *ENDPOINTS[:3], *ORDINARY):
        assert host in ended.stdout


def test_through_a_proxy_no_name_server_over_tls_is_tried(school: School) -> None:
    """A proxy that opens tunnels to port 443 alone would look like a filter of name servers."""
    double = school.behind(good_filter)
    ended = school.check(double)

    (record,) = school.records()
    assert 0 == ended.exit_code, ended.output
    assert not [line for line in double.asked if line.endswith(":853")]
    assert not [address for address in results(record, "encrypted_dns") if "tls:" in address]
    assert "DNS over TLS: through a proxy" in " ".join(record["not_tried"])


@pytest.mark.parametrize(
    ("location", "result"),
    [
        ("http://filter.school.example/blocked.html", "blocked"),
        ("http://filter.school.example/login", "could not be told"),
    ],
)
def test_a_proxys_redirect_at_connect_counts_by_where_it_leads(
    location: str, result: str, school: School
) -> None:
    away = f"lead {location}"
    school.check(school.behind(lambda host: away if host in (*AGENCY, *ENDPOINTS) else ""))

    (record,) = school.records()
    assert result == results(record, "agency")["https://ctiru.testfiltering.com/"]
    assert {result} == set(results(record, "encrypted_dns").values())


def test_no_host_is_contacted_that_the_list_does_not_name(school: School) -> None:
    double = school.behind(lets_all_through)
    listed = school.check(double, "--list").stdout
    school.check(double)

    hosts = {
        re.split(r"[/ :]+", line.replace("GET http://", "GET https://"))[2 if "GET" in line else 1]
        for line in double.asked
    }
    assert hosts
    assert {host for host in hosts if host not in listed} == set()


def test_each_run_keeps_the_earlier_ones_and_tells_what_changed(school: School) -> None:
    off, on = school.behind(lets_all_through), school.behind(good_filter)
    school.check(off, "--site", "Green School")
    kept = min(school.out.rglob("record.json")).read_bytes()
    school.check(on, "--site", "Green School")

    first, second = school.records()
    page = school.page() if len(school.records()) == 2 else ""
    assert kept in {path.read_bytes() for path in school.out.rglob("record.json")}
    assert "Changed since the last check" in page
    assert "child sexual abuse pages: now blocked" in page
    assert (1, 0) == (
        any(row["attention"] == "needs attention" for row in first["rows"]),
        any(row["attention"] == "needs attention" for row in second["rows"]),
    )


@pytest.mark.parametrize(
    "content",
    [
        '{"format": 7',
        "[" * 100_000,
        (
            '{"format":"accredit-school-check/2","version":"1","begun":"2026-01-01T00:00:00Z",'
            '"ended":"2026-01-01T00:00:00Z","circumstances":{},"rows":[]}'
        ),
        (
            '{"format":"accredit-school-check/1","version":"1","begun":"2026-01-01T00:00:00",'
            '"ended":"2026-01-01T00:00:00","circumstances":{},"rows":[]}'
        ),
    ],
    ids=["broken", "deep", "another format", "no time zone"],
)
def test_a_strange_earlier_record_is_named_and_harms_nothing(content: str, school: School) -> None:
    strange = school.out / "2020-01-01T000000Z"
    strange.mkdir(parents=True)
    (strange / "record.json").write_text(content)
    double = school.behind(lambda _: "portal")
    school.check(double)

    ended = school.check(double)

    assert 3 == ended.exit_code, ended.output
    assert "2020-01-01T000000Z/record.json: not a record of this version" in ended.stderr
    assert "Earlier checks" in school.page()


def test_the_record_can_be_printed_as_json_alone(school: School) -> None:
    ended = school.check(school.behind(good_filter), "--json")

    assert school.records() == [json.loads(ended.stdout)]


@pytest.mark.parametrize(
    "reaction", [good_filter, lets_all_through, lambda _: "portal", lambda _: "silent"]
)
def test_no_output_says_that_a_service_fulfils_anything(reaction: Reaction, school: School) -> None:
    ended = school.check(school.behind(reaction))

    said = ended.output + school.page() + json.dumps(school.records())
    assert [] == NEVER.findall(said)


def test_what_a_record_needs_and_lacks_is_said(school: School) -> None:
    ended = school.check(school.behind(good_filter), "--by", "A", "--site", "S", "--group", "KS2")

    page = school.page()
    for field in (
        "Date",
        "By",
        "Site",
        "Place",
        "Device",
        "User group",
        "What was tried",
        "Result",
        "Action",
    ):
        assert f'<th scope="row">{field}</th>' in page
    assert "The record lacks: place, action." in ended.stdout
    assert "not stated" in page


def test_texts_of_people_and_filters_cannot_reach_into_the_page(school: School) -> None:
    double = school.behind(answers("page"))
    school.check(double, "--site", "<script>alert(1)</script>\x1b[2J", "--supplier", "")

    page = school.page()
    assert "<script" not in page
    assert "\x1b" not in page


@pytest.mark.parametrize(
    "words",
    [
        ("--proxy", "http://127.0.0.1:9", "--resolver", "127.0.0.1:53"),
        ("--proxy", "gopher://127.0.0.1"),
        ("--resolver", "nowhere"),
        ("--range", "/nonexistent"),
        ("--authority", "/nonexistent.pem"),
        ("--proxy", "http://127.0.0.1:9", "--block-page", "Ask   us   x"),
        ("--proxy", "http://127.0.0.1:9", "--block-page", "   "),
        ("--proxy", "http://127.0.0.1:9", "--names", "/nonexistent.txt"),
    ],
)
def test_a_users_mistake_is_found_before_anything_is_sent(
    words: tuple[str, ...], school: School
) -> None:
    ended = school.run(*words)

    assert 2 == getattr(ended.exception, "exit_code", None), ended.output
    assert not school.records()


def test_the_laptops_own_proxy_is_used_unless_told_otherwise(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    double = school.behind(good_filter)
    monkeypatch.setattr(check_plan, "getproxies", lambda: {"https": double.proxy[7:]})

    used = school.run("--authority", str(double.authority), "--site", "S")
    listed = school.run("--direct", "--list")

    assert 0 == used.exit_code, used.output
    assert (
        f"the proxy {double.proxy} of the laptop's settings"
        == (school.records()[0]["circumstances"]["connection"])
    )
    assert "no proxy; the laptop's own name server" in listed.stdout


def test_a_password_of_the_proxy_is_neither_printed_nor_kept(school: School) -> None:
    ended = school.run("--proxy", "http://me:hunter2@127.0.0.1:9")

    assert "hunter2" not in ended.output + school.page() + json.dumps(school.records())


def test_records_of_one_second_do_not_overwrite_each_other(tmp_path: Path) -> None:
    at = datetime(2026, 11, 27, 9, 30, tzinfo=UTC)

    folders = [check.new_folder(tmp_path, at) for _ in range(3)]

    assert 3 == len(set(folders))
    assert "2026-11-27T093000Z" == folders[0].name
