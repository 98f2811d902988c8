"""Schemes from files: shipped, inherited, and wrong in every way a person can be wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from harness.errors import FaultyDocument, UsageError
from harness.model.scheme import Scheme
from harness.schemes.load import (
    SHIPPED,
    json_schema,
    load_policy,
    load_scheme,
    policies,
    shipped,
)
from harness.yaml_reader import read_document

MINIMAL = """\
id: own
version: "1"
title: Our own
policy: uk-schools-2026
requirements:
  - id: URL-01
    title: Pornography is blocked
    area: url
    severity: Crit
    rule: guarded
    measure: {metric: block_rate, categories: [PORN], expectation: block}
    threshold:
      at_least: 0.9
      provenance: proposed
      source: ourselves
"""


def load(tmp_path: Path, text: str) -> Scheme:
    path = tmp_path / "own.yaml"
    path.write_text(text)
    return load_scheme(str(path))


def told(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(FaultyDocument) as caught:
        load(tmp_path, text)
    return [str(fault).removeprefix(f"{tmp_path}/") for fault in caught.value.faults]


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_scheme_loads_and_fits_the_published_json_schema(name: str) -> None:
    scheme = load_scheme(name)

    assert scheme.id == name
    Draft202012Validator(json_schema()).validate(read_document(SHIPPED / f"{name}.yaml").data)


def test_becta_2008_asks_for_what_the_issue_names() -> None:
    scheme = load_scheme("becta-2008")
    wanted = {one.id: one for one in scheme.requirements}

    assert set(wanted) >= {"ILL-01", "OVB-01", "PRF-03", *(f"URL-0{n}" for n in range(1, 6))}
    binding = {one.id for one in scheme.requirements if one.binding}
    assert binding == {
        "ILL-01",
        "MAL-01",
        "OVB-01",
        "PRF-03",
        "TQ-10",
        *(f"URL-0{n}" for n in range(1, 6)),
        "LOG-01",
        "LOG-02",
        *(f"EML-0{n}" for n in range(1, 5)),
        "AVL-01",
    }
    for number in range(1, 6):
        threshold = wanted[f"URL-0{number}"].threshold
        assert threshold is not None
        assert (threshold.at_least, threshold.provenance) == (0.9, "reported")


def test_no_category_is_held_against_a_supplier_twice() -> None:
    blocks = [
        code
        for one in load_scheme("becta-2008").requirements
        for code in one.measure.categories
        if one.measure.metric == "block_rate" and one.binding
    ]

    assert not [(a, b) for a in blocks for b in blocks if a != b and a.startswith(b + ".")]


def test_the_policy_gives_each_category_in_each_phase() -> None:
    policy = load_policy("uk-schools-2026")

    assert policy.expects("PORN", "staff") == "block"
    assert policy.expects("PORN.NUDE", "staff") == "allow"
    assert policy.expects("DRUG.NEW", "ks1") == "block"
    assert len(policy.rows) == 74
    assert policies() == ("uk-schools-2026",)


def test_a_file_of_ones_own_loads(tmp_path: Path) -> None:
    assert load(tmp_path, MINIMAL).requirements[0].threshold is not None


def test_an_unknown_name_says_which_are_known() -> None:
    with pytest.raises(UsageError, match=r"no scheme 'bekta'; known: .*becta-2008"):
        load_scheme("bekta")
    with pytest.raises(UsageError, match=r"nowhere\.yaml: no such file"):
        load_scheme("nowhere.yaml")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "metric: block_rate",
            "metric: blockrate",
            (
                "own.yaml:11: requirements[0].measure.metric: no metric 'blockrate'; "
                "did you mean 'block_rate'? "
            ),
        ),
        (
            "at_least: 0.9",
            "at_least: 1.1",
            (
                "own.yaml:13: requirements[0].threshold.at_least: 1.1: input should be less than or "
                "equal to 1; a rate is a fraction between 0 and 1: write 0.9 for 90 %"
            ),
        ),
        (
            "at_least: 0.9",
            "at_least: 110 %",
            (
                "own.yaml:13: requirements[0].threshold.at_least: '110 %': input should be a valid "
                "number; a rate is a fraction between 0 and 1: write 0.9 for 90 %"
            ),
        ),
        (
            "      provenance: proposed\n",
            "",
            (
                "own.yaml:12: requirements[0].threshold.provenance: is missing; say where the number "
                "comes from; known: proposed, reported, seen"
            ),
        ),
        (
            "rule: guarded",
            "rule: guarded\n    profiles: [no]",
            "own.yaml:11: requirements[0].profiles[0]: no school phase 'no'; known: ks1",
        ),
        (
            "rule: guarded",
            "rule: guarded\n    binding: no",
            "own.yaml:11: requirements[0].binding: 'no': input should be a valid boolean; write true or false",
        ),
        (
            "id: own",
            "id: No",
            "own.yaml:1: id: 'No': string should match pattern '^[a-z0-9][a-z0-9-]{1,40}$'; lower-case letters",
        ),
        (
            "policy: uk-schools-2026",
            "policy: no",
            "own.yaml:4: policy: no policy 'no'; known: uk-schools-2026",
        ),
        (
            "policy: uk-schools-2026",
            "colour: red",
            "own.yaml:4: colour: this key is not known; known: about, decision",
        ),
        ("policy: uk-schools-2026\n", "", "own.yaml:1: policy: is missing; known: uk-schools-2026"),
        ("categories: [PORN]", "categories: [PRON]", "no category 'PRON' in policy"),
        ("version: ", "parent: nobody\nversion: ", "own.yaml:2: parent: no scheme 'nobody'; known"),
        (
            "version: ",
            "parent: own.yaml\nversion: ",
            "own.yaml:2: parent: own.yaml is based on this scheme itself",
        ),
        (
            "version: ",
            "parent: becta-2008\nwithout: [ABC-01]\nversion: ",
            "own.yaml:3: without[0]: becta-2008 has no requirement 'ABC-01'; known: AVL-01",
        ),
        ("id: own", "id: Own Scheme", "own.yaml:1: id: 'Own Scheme': string should match pattern"),
    ],
)
def test_a_fault_is_one_line_with_file_line_key_and_remedy(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    (line,) = told(tmp_path, MINIMAL.replace(old, new, 1))

    assert expected in line


def test_a_double_id_is_told(tmp_path: Path) -> None:
    again = MINIMAL[MINIMAL.index("  - id: URL-01") :]

    assert told(tmp_path, MINIMAL + again) == [
        "own.yaml:16: requirements[1].id: 'URL-01' is defined twice (first on line 6); keep one"
    ]


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    wrong = MINIMAL.replace("PORN", "PRON", 1).replace("at_least: 0.9", "at_least: 9")
    wrong = wrong.replace("policy: uk-schools-2026", "policy: uk-schools-2026\nvresion: 1")

    assert len(told(tmp_path, wrong)) == 1
    assert len(told(tmp_path, wrong.replace("vresion: 1", "about: x"))) == 1
    both = MINIMAL + MINIMAL[MINIMAL.index("  - id") :].replace("URL-01", "URL-02")
    both = both.replace("[PORN]", "[PRON]", 1).replace("block_rate", "x", 2)
    assert len(told(tmp_path, both)) == 3


def test_an_empty_scheme_is_no_scheme(tmp_path: Path) -> None:
    (line,) = told(tmp_path, MINIMAL[: MINIMAL.index("requirements:")])

    assert "requirements" in line


def test_a_child_takes_policy_decision_and_requirements_from_its_parent(tmp_path: Path) -> None:
    child = """\
id: stricter
version: "2"
title: Stricter
parent: becta-2008
without: [PRF-03]
decision: {alpha: 0.01}
requirements:
  - id: URL-01
    threshold: {at_least: 0.98, provenance: proposed, source: us}
"""
    scheme, parent = load(tmp_path, child), load_scheme("becta-2008")
    ids = [one.id for one in scheme.requirements]

    assert ids == [one.id for one in parent.requirements if one.id != "PRF-03"]
    assert scheme.requirements[1].threshold is not None
    assert scheme.requirements[1].threshold.at_least == 0.98
    assert scheme.requirements[1].title == parent.requirements[1].title
    assert scheme.policy == parent.policy
    assert (scheme.decision.alpha, scheme.decision.statement) == (0.01, parent.decision.statement)


def test_a_shipped_id_is_refused_for_other_content(tmp_path: Path) -> None:
    weaker = """\
id: becta-2008
version: "1"
title: Weaker
parent: becta-2008
without: [URL-01]
"""
    assert told(tmp_path, weaker) == [
        (
            "own.yaml:1: id: becta-2008 is the id of a shipped scheme, and this file differs from "
            "it; choose an id of your own, such as becta-2008-adapted"
        )
    ]
    assert load(tmp_path, weaker.replace("id: becta-2008", "id: weaker", 1)).id == "weaker"


def test_a_copy_of_a_shipped_scheme_is_that_scheme(tmp_path: Path) -> None:
    copied = (SHIPPED / "becta-2008.yaml").read_text(encoding="utf-8")

    assert load(tmp_path, f"# our copy\n{copied}") == load_scheme("becta-2008")


def test_a_policy_may_stand_in_the_scheme_itself(tmp_path: Path) -> None:
    inline = """\
policy:
  id: mine
  title: Mine
  provenance: proposed
  source: us
  rows:
    PORN: block
    NEWS: {ks1: local, staff: allow}
"""
    scheme = load(tmp_path, MINIMAL.replace("policy: uk-schools-2026\n", inline))

    assert scheme.policy.expects("PORN", "post16") == "block"
    assert scheme.policy.expects("NEWS", "ks2") is None
    wrong = MINIMAL.replace("policy: uk-schools-2026\n", inline.replace("PORN: block", "PORN: x"))
    assert told(tmp_path, wrong) == [
        "own.yaml:10: policy.rows.PORN.ks1: 'x': input should be 'block', 'allow' or 'local'"
    ]


CHILD = "id: child\nversion: '1'\ntitle: Child\nparent: {parent}\n"


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_scheme_says_when_it_is_to_be_reviewed(name: str) -> None:
    scheme = load_scheme(name)

    assert scheme.reviewed_on is not None
    assert scheme.review_by is not None
    assert scheme.reviewed_on < scheme.review_by


def test_a_parent_may_be_named_by_its_alias_and_passes_its_review_on(tmp_path: Path) -> None:
    child, parent = load(tmp_path, CHILD.format(parent="dfe-current")), load_scheme("dfe-2024")

    assert child.requirements == parent.requirements
    assert (child.reviewed_on, child.review_by) == (parent.reviewed_on, parent.review_by)
    own = CHILD.format(parent="dfe-current") + "review_by: 2030-01-31\n"
    assert "2030-01-31" == str(load(tmp_path, own).review_by)
    assert load(tmp_path, own).reviewed_on is None


def test_a_wrong_parent_is_told_once(tmp_path: Path) -> None:
    lines = told(tmp_path, CHILD.format(parent="uksic-1066"))

    assert 1 == len(lines)
    assert "own.yaml:4: parent: no scheme 'uksic-1066'; known: acma-2008" in lines[0]
    assert "dfe-current" in lines[0]


def test_a_day_that_is_none_is_told_with_its_line(tmp_path: Path) -> None:
    text = CHILD.format(parent="dfe-2024") + "review_by: next year\n"

    (line,) = told(tmp_path, text)
    assert line.startswith("own.yaml:5: review_by: 'next year': ")
    assert line.endswith("a date is written like 2026-11-24")


def test_a_copy_of_what_current_stood_for_is_to_be_dated(tmp_path: Path) -> None:
    text = CHILD.format(parent="uksic-2024").replace("child", "uksic-current")

    assert "like uksic-2024" in told(tmp_path, text)[0]
