"""Who reviewers are: names that are one person, keys, and what is known by name only."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from typer.testing import CliRunner

from harness.cli.conclude import conclude_journal
from harness.cli.main import app
from harness.errors import InstrumentError, UsageError
from harness.follow.identities import NO_IDENTITIES, Identities, RegisteredIdentity
from harness.follow.people_identities import unidentified
from harness.model.outcome import Conformity
from harness.signing import public_key_of, signature_of
from test_suites.kit.campaigns.people_stating import GOVERNOR, NOW, keep, stated
from test_suites.kit.hubs.keys import write_keys
from test_suites.unit.harness.cli.conftest import MadeOnce, Measured, simulated_in
from test_suites.unit.harness.cli.test_assess import ANSWERS, Assessed


@pytest.fixture
def assessed(measured: Measured, tmp_path: Path, runner: CliRunner) -> Assessed:
    measured(sample=2, categories=("DRUG",), whole=())
    return Assessed(tmp_path / "simulated/campaign.yaml", runner)


@pytest.fixture
def whole(made: MadeOnce, tmp_path: Path, runner: CliRunner) -> Assessed:
    """A campaign of the whole service, in which requirements that people judge bind."""

    def measure(folder: Path) -> None:
        campaign = simulated_in(folder)(sample=2, categories=("DRUG",), whole=())
        campaign.write_text(campaign.read_text().replace("scope: web\n", ""))
        Assessed(campaign, runner)

    made.copied("a campaign of the whole service", measure, tmp_path)
    return Assessed(tmp_path / "simulated/campaign.yaml", runner)


def in_the_name_of(assessed: Assessed, *names: str, keys: tuple[Path, ...] = ()) -> list[Any]:
    """Import the same answers in several names, each signed with a key if there are any."""
    done = []
    for number, name in enumerate(names):
        path = assessed.write(ANSWERS.replace("Head of IT", name), f"answers-{number}.yaml")
        signs = ("--identity", keys[number]) if keys else ()
        done.append(assessed.run("import", assessed.journal, path, *signs))
    return done


def bars(assessed: Assessed, identities: Identities) -> str:
    """What bars a decision on the campaign; SUP-05 conforms."""
    assessment, _ = conclude_journal(assessed.journal, str(assessed.scheme))
    (outcome,) = (one for one in assessment.outcomes if one.requirement.id == "SUP-05")
    assert Conformity.CONFORMS is outcome.conformity
    return " ".join(unidentified(assessment.outcomes, identities, assessment.concluded))


@pytest.mark.parametrize(
    "again", ["Governor, A.", "A. G\u043evernor", "Dr A. Governor", "A. Governor, Acme Ltd"]
)
def test_one_person_under_two_names_is_one_reviewer(assessed: Assessed, again: str) -> None:
    for done in in_the_name_of(assessed, "A. Governor", again):
        assert 0 == done.exit_code, done.output
        assert "identities by name only" in done.output

    (answer,) = assessed.records().answers
    assert (again, 1) == (answer.reviewer, answer.replaced)
    words = ("status", assessed.journal, "--scheme", assessed.scheme)
    assert "identities by name only" in assessed.run(*words).output


def test_one_key_under_two_names_is_one_reviewer(assessed: Assessed, tmp_path: Path) -> None:
    key, _ = write_keys(tmp_path)
    in_the_name_of(assessed, "A. Governor", "Head of IT", keys=(key, key))

    (answer,) = assessed.records().answers
    assert public_key_of(key) == answer.key


def test_what_people_state_by_name_only_bars_a_decision(whole: Assessed) -> None:
    in_the_name_of(whole, "A. Governor", "Head of IT")

    said = bars(whole, NO_IDENTITIES)
    assert "SUP-05: identities by name only (A. Governor and Head of IT)" in said
    assert "accredit identity register" in said


def test_registered_keys_and_no_others_show_who_states_something(
    whole: Assessed, tmp_path: Path
) -> None:
    names = ("A. Governor", "Head of IT")
    keys = tuple(write_keys(tmp_path, f"key-{n}", n)[0] for n in (1, 2))
    for done in in_the_name_of(whole, *names, keys=keys):
        assert "by name only" not in done.output
    first, second = map(public_key_of, keys)
    known = {
        first: RegisteredIdentity("Governor, A.", first, NOW),
        second: RegisteredIdentity(names[1], second, NOW),
    }

    assert "" == bars(whole, known)
    assert f"the key {first[:16]} of A. Governor is not registered" in bars(
        whole, {second: known[second]}
    )
    swapped = {**known, first: RegisteredIdentity("Eve", first, NOW)}
    assert "is registered for Eve, not for A. Governor" in bars(whole, swapped)
    lost = known[first]._replace(closed=NOW, reason="lost")
    assert "was closed (lost)" in bars(whole, {**known, first: lost})


def test_a_statement_signed_elsewhere_or_changed_is_refused_and_named(
    assessed: Assessed, tmp_path: Path
) -> None:
    key, _ = write_keys(tmp_path)
    facts = stated("SUP-05", GOVERNOR)
    signed = structs.replace(facts, signed=signature_of(facts, ("another journal",), key))
    keep(assessed.journal, [signed])

    with pytest.raises(InstrumentError, match=r"of A\. Governor about SUP-05 is not valid"):
        assessed.records()
    verified = assessed.runner.invoke(app, ["journal", "verify", str(assessed.journal)])
    assert isinstance(verified.exception, InstrumentError)


@pytest.mark.parametrize("name", ["Ann Lee <3f0c12ab45de>", "...", "J. Smith, Example Networks"])
def test_no_account_and_nothing_of_the_supplier_is_a_reviewer(
    simulated: Callable[..., Path], runner: CliRunner, name: str
) -> None:
    campaign = simulated(sample=2, categories=("DRUG",), whole=())
    service = "name: a service whose faults are known"
    declared = campaign.read_text().replace(service, f"{service}\n  supplier: Example Networks Ltd")
    campaign.write_text(declared)
    assessed = Assessed(campaign, runner)
    words = ("ask", assessed.journal, "--scheme", assessed.scheme, "--reviewer", name)

    refused = assessed.run(*words, answers="present\nyes\n")
    assert isinstance(refused.exception, UsageError), refused.output
