"""``accredit assess``: what is asked, what is kept, what is refused, and what is never shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from typer.testing import CliRunner

from harness.campaign.assemble import read_campaign
from harness.cli.assess import Row, ask
from harness.cli.conclude import conclude_journal
from harness.cli.main import app
from harness.errors import StoppedError, UsageError
from harness.judge.composite_measurements import judge_maker
from harness.model.outcome import Assessment, Conformity
from harness.model.people_answer import PeopleRecords
from harness.ports.storage import WallClock
from harness.schemes.load import find_row
from harness.schemes.people_questions import questions
from harness.store.journal.journal import open_journal
from test_suites.kit.campaigns.people_stating import GOVERNOR, LEAD, NOW, TODAY, both, keep, stated
from test_suites.unit.harness.cli.conftest import Measured

SCHEME = """\
id: people
version: "1"
title: What people judge
policy: uk-schools-2026
requirements: [{id: SUP-05}, {id: ILL-08}, {id: URL-04}]
"""
ANSWERS = f"""\
reviewer: Head of IT
answered: {TODAY}T00:00:00Z
answers:
  - requirement: SUP-05
    says: {{configuration: present, private_items: yes}}
    documents: [{{name: export of today, shown: true}}]
"""


class Assessed:
    """A campaign over a simulated line that was measured, and the commands on its journal."""

    def __init__(self, campaign: Path, runner: CliRunner) -> None:
        self.folder, self.runner = campaign.parent, runner
        self.out = self.folder.parent / "out"
        name = read_campaign(campaign)[0].campaign
        self.journal = self.out / name / "journal"
        if not self.journal.exists():
            measured = runner.invoke(app, ["measure", str(campaign), "--out", str(self.out)])
            assert measured.exit_code == 0, measured.output
        self.scheme = self.folder / "people.yaml"
        self.scheme.write_text(SCHEME)

    def run(self, *words: str | Path, answers: str | None = None) -> Any:
        return self.runner.invoke(app, ["assess", *map(str, words)], input=answers)

    def write(self, text: str, name: str = "answers.yaml") -> Path:
        path = self.folder / name
        path.write_text(text)
        return path

    def records(self) -> PeopleRecords:
        with closing(open_journal(self.journal)) as journal:
            return judge_maker(journal)().records.people

    def conclude(self) -> Assessment:
        return conclude_journal(self.journal, str(self.scheme))[0]


@pytest.fixture
def assessed(measured: Measured, tmp_path: Path, runner: CliRunner) -> Assessed:
    measured(sample=2, categories=("DRUG",), whole=())
    return Assessed(tmp_path / "simulated/campaign.yaml", runner)


def test_answers_of_a_file_are_kept_once(assessed: Assessed) -> None:
    path = assessed.write(ANSWERS)
    kept = assessed.run("import", assessed.journal, path)
    again = assessed.run("import", assessed.journal.parent, path)

    assert (kept.exit_code, again.exit_code) == (0, 0), kept.output + again.output
    assert "answers of Head of IT that were kept: 1" in kept.output
    assert "1 were there already" in again.output
    (answer,) = assessed.records().answers
    assert (answer.reviewer, answer.replaced) == ("Head of IT", 0)
    open_journal(assessed.journal).verify()


def test_nothing_of_a_file_with_a_fault_is_kept(assessed: Assessed) -> None:
    text = ANSWERS + "  - {requirement: SUP-01, says: {}}\n"
    refused = assessed.run("import", assessed.journal, assessed.write(text))

    assert isinstance(refused.exception, UsageError)
    assert "answers.yaml:7: " in str(refused.exception)
    assert assessed.records().answers == ()


def test_the_supplier_cannot_be_a_reviewer_of_its_own_service(
    simulated: Callable[..., Path], runner: CliRunner
) -> None:
    campaign = simulated(sample=2, categories=("DRUG",), whole=())
    name = "name: a service whose faults are known"
    declared = campaign.read_text().replace(name, f"{name}\n  supplier: Example Networks Ltd")
    campaign.write_text(declared)
    assessed = Assessed(campaign, runner)
    path = assessed.write(ANSWERS.replace("Head of IT", "Example Networks LTD"))
    words = ("ask", assessed.journal, "--scheme", assessed.scheme, "--reviewer")

    by_file = assessed.run("import", assessed.journal, path)
    by_questions = assessed.run(*words, "example networks ltd", answers="present\nyes\n")

    for refused in (by_file, by_questions):
        assert isinstance(refused.exception, UsageError)
        assert "cannot be its reviewer" in str(refused.exception)
    assert assessed.records().answers == ()


def test_the_form_is_a_file_of_answers_when_it_is_filled_in(assessed: Assessed) -> None:
    form = assessed.run("form", assessed.journal, "--scheme", assessed.scheme).output
    assert "# The full configuration of the service as tested [present, missing, unknown]" in form
    filled = form.replace("WHO ANSWERS (a name or a role)", "Head of IT")
    filled = filled.replace("2026-11-24T12:00:00Z", f"{TODAY}T00:00:00Z")

    kept = assessed.run("import", assessed.journal, assessed.write(filled))

    assert kept.exit_code == 0, kept.exception
    assert {one.requirement for one in assessed.records().answers} == {"SUP-05", "ILL-08"}


def lines(*said: str) -> Iterator[str]:
    return iter([*(f"{one}\n" for one in said), ""])


def rows() -> list[Row]:
    """Two requirements that people judge, with their questions."""
    found = [(find_row(name), questions()[name]) for name in ("SUP-05", "ILL-08")]
    return [(row, question) for row, question in found if row is not None]


def asked(assessed: Assessed, monkeypatch: pytest.MonkeyPatch, *said: str) -> None:
    """Ask one reviewer, who types these lines, and then nothing more."""
    typed = lines(*said)
    monkeypatch.setattr("sys.stdin", type("Typed", (), {"readline": lambda _: next(typed)})())
    ask(assessed.journal, "Head of IT", rows(), WallClock())


def test_what_is_typed_is_kept_and_wrong_answers_are_asked_again(
    assessed: Assessed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = assessed.write("x", "export.cfg")
    asked(
        assessed, monkeypatch,
        "perhaps", "PRESENT", "yes", "", "", "nowhere.pdf", str(config), "shown:", "shown: a list",
        "", "", "",
        "2999-01-01", "2026-01-02", "missing", "skip",
    )  # fmt: skip
    told = capsys.readouterr().out

    for words in (
        "write present, missing, unknown", "No document is named", "nowhere.pdf: no such file",
        "write shown: and the title", "is later than the answer", "ILL-08 is left out",
        "1 recorded; next: a second reviewer",
    ):  # fmt: skip
        assert words in told, words
    (answer,) = assessed.records().answers
    assert answer.said == {"configuration": "present", "private_items": "yes"}
    assert [one.name for one in answer.documents] == ["export.cfg", "a list"]


def test_an_answer_is_not_lost_while_somebody_else_writes_to_the_journal(
    assessed: Assessed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    other = open_journal(assessed.journal)
    other.write()

    def typed() -> Iterator[str]:
        yield from ("unknown\n", "unknown\n", "\n", "\n", "\n")
        other.close()
        yield from ("\n", "skip\n")

    lines_typed = typed()
    monkeypatch.setattr("sys.stdin", type("T", (), {"readline": lambda _: next(lines_typed)})())
    ask(assessed.journal, "Head of IT", rows(), WallClock())

    assert "Your answer is not recorded yet" in capsys.readouterr().out
    assert len(assessed.records().answers) == 1


def test_without_an_input_nothing_waits(
    assessed: Assessed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(StoppedError, match="0 recorded, 2 left"):
        ask(assessed.journal, "Head of IT", rows(), WallClock())


def test_the_end_of_input_stops_and_keeps_what_was_answered(
    assessed: Assessed, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = ("unknown", "unknown", "", "", "2999-12-31", "unknown")
    with pytest.raises(StoppedError, match="1 recorded, 1 left"):
        asked(assessed, monkeypatch, *said)

    (answer,) = assessed.records().answers
    assert str(answer.until) == "2999-12-31"


def test_what_was_answered_is_not_asked_again_without_being_told_to(assessed: Assessed) -> None:
    keep(assessed.journal, [stated("SUP-05"), stated("ILL-08")])
    words = ("ask", assessed.journal, "--scheme", assessed.scheme, "--reviewer")
    done = assessed.run(*words, f" {LEAD.lower()} ")
    other = assessed.run(*words, GOVERNOR, "--only", "SUP-05", answers="")
    again = assessed.run(*words, LEAD, "--again", "--only", "SUP-05", answers="")

    assert done.exit_code == 0
    assert "has answered all 2 requirements" in done.output
    for one in (other, again):
        assert "SUP-05 The supplier discloses the full configuration" in one.output
        assert isinstance(one.exception, StoppedError)


def test_a_question_that_grew_is_asked_again(assessed: Assessed) -> None:
    whole = stated("SUP-05")
    part = structs.replace(whole, said={"configuration": "present"})
    old = stated("ILL-08", at=NOW - timedelta(days=93))
    keep(assessed.journal, [part, old])
    words = ("ask", assessed.journal, "--scheme", assessed.scheme, "--reviewer", LEAD)
    told = assessed.run(*words, answers="skip\n").output

    assert "SUP-05 The supplier" in told
    assert "(2 of 2)" in told


def test_nothing_that_one_reviewer_said_is_shown_to_another(assessed: Assessed) -> None:
    secret = stated("SUP-05", LEAD, {"private_items": "no"})
    keep(assessed.journal, [secret])
    words = ("--scheme", assessed.scheme)
    told = assessed.run("status", assessed.journal, *words).output
    told += assessed.run("form", assessed.journal, *words).output
    told += assessed.run(
        "ask", assessed.journal, *words, "--reviewer", GOVERNOR, answers="present\nyes\n"
    ).output

    assert f"SUP-05 Disclosure and private items: {LEAD}" in told
    assert "1 more needed" in told
    assert secret.note not in told
    assert secret.documents[0].sha256 not in told
    assert "report.pdf" not in told


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--reviewer", " "), "write a name or a role"),
        (("--reviewer", "a\x1b[2J"), "write a name or a role"),
        (("--reviewer", "A", "--only", "URL-04"), "people are asked nothing about it"),
        (("--reviewer", "A", "--only", "XX-99"), "known: ILL-08, SUP-05"),
    ],
)
def test_wrong_words_are_refused_with_what_to_do(
    assessed: Assessed, words: tuple[str, ...], said: str
) -> None:
    refused = assessed.run("ask", assessed.journal, "--scheme", assessed.scheme, *words)

    assert isinstance(refused.exception, UsageError)
    assert said in str(refused.exception)


def test_a_scheme_of_which_people_judge_nothing_is_refused(assessed: Assessed) -> None:
    refused = assessed.run("status", assessed.journal, "--scheme", "becta-2008")
    assert isinstance(refused.exception, UsageError)
    assert "people are asked about no requirement of this scheme" in str(refused.exception)


CERTIFIED = """\
service: {supplier: Example Networks Ltd}
certification:
  scheme: becta-2008
  by: A. Person
  role: director
  signed: 2026-01-01T00:00:00Z
  answers:
    URL-04: {answer: meets}
    OVB-01: {answer: does-not-meet, note: we block a lot}
    XX-01: {answer: meets}
"""


def test_what_a_supplier_certifies_is_compared_with_what_was_measured(assessed: Assessed) -> None:
    path = assessed.write(CERTIFIED, "submission.yaml")
    kept = assessed.run("self-certification", assessed.journal, path)
    none = CERTIFIED.replace("URL-04", "XX-02").replace("OVB-01", "XX-03")
    refused = assessed.run("self-certification", assessed.journal, assessed.write(none))

    assert kept.exit_code == 0, kept.exception
    assert "it certifies 2 of " in kept.output
    assert isinstance(refused.exception, UsageError)
    assert "certifies no requirement" in str(refused.exception)
    declared = assessed.conclude().declared
    assert declared is not None
    assert [one.requirement for one in declared.differences] == ["URL-04"]


def test_evidence_beside_a_campaign_changes_no_other_outcome(assessed: Assessed) -> None:
    before = {one.id: one.conformity for one in assessed.conclude().outcomes}
    keep(assessed.journal, [*both("SUP-05"), *both("ILL-08", {"ctiru": "missing"})])
    after = {one.id: one.conformity for one in assessed.conclude().outcomes}

    changed = {name.partition("[")[0]: after[name] for name in after if after[name] != before[name]}
    assert changed == {
        "SUP-05": Conformity.CONFORMS, "ILL-08": Conformity.DOES_NOT_CONFORM,
    }  # fmt: skip
