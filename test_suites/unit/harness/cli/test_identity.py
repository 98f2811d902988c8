"""``accredit identity``, and what signatures of people show, through the command line."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from harness.cli import plan_step
from harness.cli.main import app
from harness.cli.registry_care import verify_streams
from harness.cli.registry_session import open_session, place_of
from harness.errors import InstrumentError, UsageError
from harness.follow.identities import require_signature, signed_event
from harness.follow.replay import replay
from harness.model.decision import Status
from harness.model.decision_event import DecisionMade
from harness.model.event import Event
from test_suites.kit.clocks.set_clock import SetClock
from test_suites.unit.harness.cli.certified import NOW, Certified

KEY = "0" * 64


class People:
    """Makes and registers identities."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.runner = folder, CliRunner()

    def run(self, *words: str | Path, code: int = 0) -> str:
        ended = self.runner.invoke(app, ["identity", *map(str, words)])
        assert code == ended.exit_code, (ended.output, ended.exception)
        return ended.output

    def refused(self, *words: str | Path) -> str:
        ended = self.runner.invoke(app, ["identity", *map(str, words)])
        assert isinstance(ended.exception, UsageError), ended.output
        return str(ended.exception)

    def make(self, name: str, file: str) -> Path:
        self.run("make", "--name", name, "--out", self.folder / file)
        return self.folder / file

    def register_words(self, name: str, key: Path) -> tuple[str | Path, ...]:
        public = key.with_suffix(".pub.pem")
        return ("register", "--name", name, "--key", public, "--out", self.folder)

    def register(self, name: str, file: str) -> Path:
        key = self.make(name, file)
        self.run(*self.register_words(name, key))
        return key


@pytest.fixture
def people(tmp_path: Path) -> People:
    return People(tmp_path)


def test_a_key_is_private_and_never_overwritten(people: People) -> None:
    key = people.make("A. Governor", "governor.pem")
    before = key.read_bytes()

    assert 0o600 == stat.S_IMODE(key.stat().st_mode)
    assert b"PUBLIC KEY" in key.with_suffix(".pub.pem").read_bytes()
    assert "never overwritten" in people.refused("make", "--name", "B", "--out", key)
    assert before == key.read_bytes()
    assert "letters" in people.refused("make", "--name", "...", "--out", people.folder / "b.pem")


def test_two_names_of_one_person_are_not_registered(people: People) -> None:
    key = people.register("A. Governor", "governor.pem")
    second = people.make("Governor, A.", "second.pem")

    for name in (
        "Governor, A.",
        "Dr A. Governor (chair)",
        "A. G\u043evernor",
        "A. Governor, Acme Ltd",
    ):
        refused = people.refused(*people.register_words(name, second))
        assert "may be the same person as A. Governor" in refused
    assert "registered for A. Governor before" in people.refused(
        *people.register_words("Somebody Else", key)
    )
    people.run(*people.register_words("B. Other", second))


def test_a_closed_key_stays_closed_and_its_person_gets_another(people: People) -> None:
    key = people.register("A. Governor", "governor.pem")
    people.run("close", "governor, a", "--reason", "the key was lost", "--out", people.folder)

    assert "registered for A. Governor before" in people.refused(
        *people.register_words("A. Governor", key)
    )
    people.register("A. Governor", "again.pem")
    words = ("list", "--json", "--out", people.folder)
    (left,) = json.loads(people.run(*words))
    both = json.loads(people.run(*words, "--all"))
    assert ["A. Governor", None] == [left["name"], left["closed"]]
    assert ["the key was lost", ""] == [one["reason"] for one in both]


def test_an_identity_is_not_added_by_hand(people: People) -> None:
    words = ["registry", "add", "identity", "A. Governor", "--owner", "--set", f"public_key={KEY}"]
    ended = people.runner.invoke(app, [*words, "--out", str(people.folder)])

    assert "identity register" in str(ended.exception)


@pytest.fixture
def decided(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Certified:
    clock = SetClock(NOW)
    monkeypatch.setattr(plan_step.clock, "source", clock)
    board = Certified(tmp_path, clock)
    board.service()
    return board


def made(certified: Certified, *, sign: Path | None = None, by: str = "Di") -> Event:
    """The event of the first decision, as ``Certified`` makes it, by somebody else."""
    certified.decide()
    with (
        open_session(certified.registry) as session,
        session.registry.reading(session.stream_named("Acme")) as access,
    ):
        (event,) = (one for one in access.events() if isinstance(one, DecisionMade))
    decision = msgspec.structs.replace(event.decision, number=2)
    again = DecisionMade(at=NOW, actor=by, decision=decision)
    return signed_event(again, "Acme", sign)


def refusal(certified: Certified, event: Event) -> str:
    with pytest.raises(UsageError) as refused:
        certified.record("Acme", event)
    return str(refused.value)


def test_by_name_only_nobody_accredits_and_an_account_cannot_be_typed(decided: Certified) -> None:
    refused = refusal(decided, event := made(decided))

    assert "Di is known by name only, and cannot accredit a service" in refused
    for what in ("identity make", "identity register", "--identity"):
        assert what in refused
    typed = msgspec.structs.replace(event, actor="Di <3f0c12ab45de>")
    assert "only a hub writes an account" in refusal(decided, typed)
    with open_session(decided.registry, has_accounts=True, clock=decided.clock) as session:
        session.record(place_of("Acme"), typed)


def test_an_unregistered_key_or_another_persons_name_accredits_nothing(
    decided: Certified, people: People
) -> None:
    stranger = people.make("Di", "stranger.pem")

    assert "of Di is not registered" in refusal(decided, made(decided, sign=stranger))


def test_a_key_signs_for_its_own_person_alone(decided: Certified, people: People) -> None:
    other = people.register("Eve", "eve.pem")

    assert "is registered for Eve, not for Di" in refusal(decided, made(decided, sign=other))


def test_a_closed_key_accredits_nothing(decided: Certified, people: People) -> None:
    event = made(decided, sign=people.register("Eve", "eve.pem"), by="Eve")
    people.run("close", "Eve", "--reason", "lost", "--out", people.folder)

    assert "was closed (lost)" in refusal(decided, event)


@pytest.mark.parametrize(
    "change", [{"actor": "Di B"}, {"at": NOW.replace(hour=10)}, {"actor": "D\u0456"}]
)
def test_a_signature_covers_everything_and_its_stream(
    decided: Certified, people: People, change: dict[str, Any]
) -> None:
    event = made(decided, sign=people.make("Di", "di.pem"))

    require_signature(event, "ACME")
    with pytest.raises(InstrumentError, match="signature of Di on decision-made D-0002 is not"):
        require_signature(event, "Bolt")
    with pytest.raises(InstrumentError, match="is not valid"):
        require_signature(msgspec.structs.replace(event, **change), "Acme")


def test_a_false_signature_is_named_when_the_stream_is_read(decided: Certified) -> None:
    decided.decide()
    with open_session(decided.registry) as session:
        stream = session.stream_named("Acme")
        with session.registry.reading(stream) as access:
            *before, last = access.events()
    replay([*before, last])
    assert isinstance(last, DecisionMade)
    decision = msgspec.structs.replace(last.decision, reason="another reason")
    changed = msgspec.structs.replace(last, decision=decision)

    with pytest.raises(InstrumentError, match="the signature of Di on decision-made D-0001"):
        replay([*before, changed])


def test_decisions_say_how_their_maker_is_known(decided: Certified) -> None:
    decided.decide()
    decided.decide(Status.SUSPENDED)
    words = ("--registry", str(decided.registry))
    run = CliRunner().invoke

    shown = run(app, ["decision", "show", "D-0001", *words]).output
    listed = json.loads(run(app, ["decision", "list", "--all", "--json", *words]).output)

    assert "decided by Di (signed with key " in shown
    assert all(one["identity"].startswith("signed with key") for one in listed)
    with open_session(decided.registry) as session:
        assert [] == [note for each in verify_streams(session.registry) for note in each.notes]
