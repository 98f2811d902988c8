"""A hidden list in a school's own check: names are connected to, and never fetched or stored."""

from __future__ import annotations

import re

import pytest

from test_suites.unit.harness.cli.checking_school import School, good_filter, results


def test_hidden_names_are_connected_to_and_neither_fetched_nor_stored(school: School) -> None:
    double = school.behind(lambda host: "refuse" if host == "bad.example" else good_filter(host))
    names = school.folder / "names.txt"
    names.write_text("# seen last week\nbad.example\nWORSE.example\n\nbad.example  # again\n")
    ended = school.check(double, "--names", names)

    (record,) = school.records()
    rows = [row for row in record["rows"] if row["part"] == "names"]
    stored = "".join(path.read_text("latin-1") for path in school.out.rglob("*") if path.is_file())
    assert 1 == ended.exit_code, ended.output
    assert ["blocked", "got through"] == sorted(row["result"] for row in rows)
    assert all(row["address"].startswith("hmac-sha256:") for row in rows)
    assert not re.search(r"(?i)bad\.example|worse\.example", stored + ended.output)
    asked = [line for line in double.asked if "example:" in line]
    assert {"CONNECT bad.example:443", "CONNECT worse.example:443"} == set(asked)
    assert not [line for line in double.asked if line.startswith("GET") and "bad." in line]


def test_a_filter_that_opens_encryption_leaves_hidden_names_untold(school: School) -> None:
    names = school.folder / "names.txt"
    names.write_text("bad.example\n")
    school.check(school.behind(good_filter, opens_tls=True), "--names", names)

    (record,) = school.records()
    assert ["could not be told"] == list(results(record, "names").values())


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("http://bad.example/page", "this is not a host name"),
        ("bad.example/page", "this is not a host name"),
        ("intranet", "a host name has a dot"),
        ("printer.local", "private address or name"),
        ("192.168.1.1", "private address or name"),
        ("b@d.example", "invalid host"),
    ],
)
def test_a_list_of_anything_but_public_names_is_refused_without_showing_it(
    line: str, found: str, school: School
) -> None:
    names = school.folder / "names.txt"
    names.write_text(f"fine.example\n{line}\n")

    ended = school.run("--proxy", "http://127.0.0.1:9", "--names", names)

    assert f"names.txt:2: {found}" in str(ended.exception)
    assert line not in str(ended.exception)
    assert not school.records()
