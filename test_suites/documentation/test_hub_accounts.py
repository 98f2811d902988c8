"""What the pages about accounts of a hub say is so: roles, limits, keys, events and commands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from harness.cli.hub_oidc_file import OidcProvider
from harness.cli.main import app
from harness.model.access_event import AccessEvent
from harness.model.any_event import AnyEvent
from harness.model.hub_access import GRANTS, Permission, Role
from harness.store.hub import api_tokens, sessions, sign_in_delays
from harness.store.hub.password_hashes import LONGEST, SHORTEST
from harness.yaml_reader import read_document, validate
from reports.dashboard.forms import MOST_BYTES
from test_suites.kit.hubs.hub_example import HubExample
from test_suites.kit.hubs.web_example import PASSWORD, WebExample, web_example
from test_suites.kit.rooms import ROOT

PAGE = (ROOT / "docs/reference/hub-accounts.md").read_text(encoding="utf-8")
GUIDE = (ROOT / "docs/how-to/give-people-access-to-a-hub.md").read_text(encoding="utf-8")
NO = "\u2013"
PEOPLE = [role for role in Role if role is not Role.PUBLIC]


def section(title: str) -> str:
    """The text under a heading of the reference."""
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def rows(title: str) -> list[list[str]]:
    """The rows of the first table of a section, without its head."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_table_of_roles_is_that_of_the_hub() -> None:
    head = section("Roles").splitlines()[1]
    assert ["may", *PEOPLE] == [cell.strip() for cell in head.strip("|").split("|")]
    expected = [
        [f"`{each}`", *("yes" if each in GRANTS[role] else NO for role in PEOPLE)]
        for each in Permission
    ]
    assert expected == rows("Roles")


def test_the_limits_are_those_of_the_hub() -> None:
    account, address = sign_in_delays.BY_ACCOUNT, sign_in_delays.BY_ADDRESS
    assert [
        f"{SHORTEST} to {LONGEST}",
        f"{sessions.IDLE.seconds // 60} minutes; {sessions.LONGEST.seconds // 3600} hours",
        f"{sessions.FIRST_STEP.seconds // 60} minutes",
        f"{sessions.MOST}",
        f"{api_tokens.MOST}",
        f"{api_tokens.MOST_DAYS}",
        f"{account.free}; {account.longest.seconds // 60} minutes",
        f"{address.free}; {address.longest.seconds // 60} minutes",
        f"{sign_in_delays.FORGOTTEN_AFTER.seconds // 60} minutes",
        f"{MOST_BYTES:,}",
    ] == [cells[1] for cells in rows("Limits")]


def test_each_event_of_the_log_is_described() -> None:
    kinds = {
        str(each.__struct_config__.tag)
        for each in AnyEvent.__args__
        if issubclass(each, AccessEvent)
    }
    assert kinds == {
        name for cells in rows("Audit log") for name in re.findall(r"`([a-z-]+)`", cells[0])
    }


def test_the_example_of_a_provider_is_one(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\noidc:\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "oidc.yaml").write_text(example)
    assert "email" == validate(read_document(tmp_path / "oidc.yaml"), OidcProvider).match
    described = {cells[0].strip("`") for cells in rows("Sign-in by an OIDC provider")}
    assert set(OidcProvider.model_fields) == described


def _commands() -> dict[str, set[str]]:
    """The options of the commands about people, tokens and sessions, by the words of each."""
    hub = typer.main.get_command(app).get_command(None, "hub")  # type: ignore[attr-defined]
    return {
        f"{group} {name}": {option for each in command.params for option in each.opts}
        for group in ("person", "token", "session")
        for name, command in hub.commands[group].commands.items()
    }


def test_each_command_is_described_with_its_options() -> None:
    described = {
        words: set(re.findall(r"`?(--[a-z-]+)", " ".join(cells)))
        for cells in rows("Commands")
        for words in re.findall(r"`((?:person|token|session) [a-z-]+)", cells[0])
    }
    commands = _commands()
    assert set(commands) == set(described)
    for words, options in commands.items():
        ours = {each for each in options if each.startswith("--")} - {"--hub", "--by"}
        if words == "person password":
            ours -= {"--password-file"}  # "as `add` does"
        assert ours <= described[words], words


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WebExample]:
    with web_example(HubExample(tmp_path).make()) as made:
        (tmp_path / "password").write_text(PASSWORD)
        monkeypatch.chdir(tmp_path)
        yield made


def test_the_guide_is_followed_to_the_letter(web: WebExample) -> None:
    commands = re.findall(r"^\$ (accredit .+)$", GUIDE, re.MULTILINE)
    assert 9 == len(commands)
    said = ""
    for command in commands:
        if "reset-second-factor" in command:  # she lost one; here she has none yet
            continue
        said += web.hub.accredit(*shlex.split(command)[1:])
    for line in re.findall(r"^(added: .+|sign in at .+)$", GUIDE, re.MULTILINE):
        assert line in said
    roles = {each.email: each.role for each in web.accounts.accounts.all()}
    assert {"administrator", "assessor", "supplier", "school", "decision-maker"} == set(
        roles.values()
    )
    assert 303 == web.browser().sign_in("sam@example.org").status_code
    assert 403 == web.browser().sign_in("ravi@acme.example").status_code
