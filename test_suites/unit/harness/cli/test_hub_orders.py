"""An order holds an agent's part of the monitoring, with all files that it names, and no other."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from corpora.pack_reader import PACKS
from harness.cli import hub_orders
from harness.cli.compose import open_pack
from harness.cli.hub_orders import OrderContent, OrderPlace, order_content
from harness.cli.monitor_run import monitored, prepare_run
from harness.errors import UsageError
from harness.monitor.monitoring_file import read_monitoring
from test_suites.kit.hubs.hub_example import HILL, HubExample

PLACE = OrderPlace("acme", "Acme", "Safe Net", HILL)
KEY = "run:acme/safe net/hill school/daily/20260302T0615Z"


@pytest.fixture
def example(tmp_path: Path) -> HubExample:
    made = HubExample(tmp_path)
    made.service.write()
    return made


def content(example: HubExample, place: OrderPlace = PLACE) -> OrderContent:
    return order_content(example.service.file, place)


def names(example: HubExample) -> list[str]:
    return [file.name for file in content(example).files]


def change(example: HubExample, name: str, change: Callable[[dict[str, Any]], None]) -> None:
    example.change(example.service.folder / name, change)


def unpacked(found: OrderContent, folder: Path) -> Path:
    for file in found.files:
        path = folder / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.data)
    return folder / found.monitoring


def test_an_order_can_be_measured_where_it_is_unpacked(example: HubExample, tmp_path: Path) -> None:
    file = unpacked(content(example), tmp_path / "device")
    declared = read_monitoring(file)

    assert [(each.service, each.supplier) for each in declared.services] == [("Safe Net", "Acme")]
    assert [site.site for site in declared.services[0].sites] == [HILL]
    prepared = prepare_run(monitored(declared, KEY, tmp_path / "out"))
    assert prepared.campaign.service.name == "Safe Net"
    assert prepared.campaign.scheme == str(tmp_path / "device/watched.yaml")


def test_equal_content_has_an_equal_digest(example: HubExample) -> None:
    first = content(example)
    assert content(example).digest == first.digest

    example.service.declare(budget={"runs_per_day": 3})
    second = content(example)
    assert second.digest != first.digest
    assert b'"runs_per_day": 3' in next(
        file.data for file in second.files if file.name == "monitoring.yaml"
    )


def test_files_in_folders_keep_their_places(example: HubExample, tmp_path: Path) -> None:
    folder = example.service.folder
    for name in ("campaigns", "schemes", "packs"):
        (folder / name).mkdir()
    shutil.copytree(PACKS / "canary", folder / "packs/own")
    (folder / "ca.pem").write_text("a certificate")
    (folder / "hill-school.yaml").rename(folder / "campaigns/hill.yaml")
    (folder / "watched.yaml").rename(folder / "schemes/watched.yaml")
    (folder / "base.yaml").write_text((folder / "fixed.yaml").read_text())

    def moved(document: dict[str, Any]) -> None:
        document |= {"origin": "../origin.json", "scheme": "../schemes/watched.yaml"}
        document["corpora"][0]["pack"] = "../packs/own"
        document["lines"][0]["by_profile"] = {"pupils": {"authority": "../ca.pem"}}

    change(example, "campaigns/hill.yaml", moved)
    change(
        example, "monitoring.yaml",
        lambda document: document["services"][0]["sites"][0]["schedules"][0].update(
            campaign="campaigns/hill.yaml"
        ),
    )  # fmt: skip
    change(
        example,
        "schemes/watched.yaml",
        lambda document: document.update(parent="../fixed.yaml", without=[]),
    )

    assert names(example) == [
        "ca.pem", "campaigns/hill.yaml", "fixed.yaml", "monitoring.yaml", "origin.json",
        *sorted(f"packs/own/{each.name}" for each in (folder / "packs/own").iterdir()
                if each.name in {"datapackage.json", *listed(folder / "packs/own")}),
        "schemes/watched.yaml",
    ]  # fmt: skip


def listed(pack: Path) -> set[str]:
    return {resource.path for resource in open_pack(str(pack)).manifest.resources}


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("origin", "/etc/passwd", "'/etc/passwd' must be a relative path"),
        ("origin", "../../etc/passwd", "is outside"),
        ("origin", "C:/keys/origin.json", "must be a relative path"),
        ("origin", "..\\origin.json", "must be a relative path"),
        ("origin", "absent.json", "absent.json: cannot be sent to an agent: No such file"),
        ("scheme", "../watched.yaml", "is outside"),
        ("availability_lines", [{"name": "v", "type": "direct", "site": "Vale School"}], "Vale"),
        ("local_exceptions", {"Vale School": ["DRUG"]}, "names the site 'Vale School'"),
        ("sealed_list", {"program": "list.sh"}, "no program is sent"),
        ("corpora", [{"pack": "../packs/own"}], "is outside"),
        ("corpora", [{"pack": "/packs/own"}], "must be a relative path"),
        ("control", {"type": "control", "options": {"authority": "/ca.pem"}}, "must be a relative"),
    ],
)
def test_what_would_leave_the_order_is_refused(
    example: HubExample, key: str, value: object, told: str
) -> None:
    if key == "scheme":
        (example.folder / "watched.yaml").write_text("id: x")
    change(example, "hill-school.yaml", lambda document: document.update({key: value}))

    with pytest.raises(UsageError, match=told):
        content(example)


def test_a_campaign_elsewhere_is_refused(example: HubExample) -> None:
    def named(path: str) -> Callable[[dict[str, Any]], None]:
        return lambda document: document["services"][0]["sites"][0]["schedules"][0].update(
            campaign=path
        )

    for path in ("/hill.yaml", "../hill.yaml", "a/../../hill.yaml"):
        change(example, "monitoring.yaml", named(path))
        with pytest.raises(UsageError, match=r"must be a relative path|is outside"):
            content(example)


def test_a_pack_cannot_name_files_outside_it(example: HubExample) -> None:
    folder = example.service.folder / "own"
    shutil.copytree(PACKS / "canary", folder)
    manifest = (folder / "datapackage.json").read_text()
    path = next(iter(listed(folder)))
    (folder / "datapackage.json").write_text(manifest.replace(f'"{path}"', '"../origin.json"'))
    change(example, "hill-school.yaml", lambda document: document.update(corpora=[{"pack": "own"}]))

    with pytest.raises(UsageError, match="outside the pack"):
        content(example)


def test_too_large_an_order_names_its_largest_file(
    example: HubExample, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (example.service.folder / "watched.yaml").open("a") as file:
        file.write("# " + "x" * 900_000)
    assert content(example)
    monkeypatch.setattr(hub_orders, "MOST_BYTES", 1_200_000)

    with pytest.raises(UsageError, match=r"watched\.yaml: has 900,\d+ bytes.*too large"):
        content(example)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"site": "Dale School"}, "no site 'Dale School'; known: Hill School, Vale School"),
        ({"service": "Other"}, "has no service 'Other'; known: Safe Net"),
        ({"supplier": "Beta"}, "another supplier"),
        ({"monitoring": "beta"}, "is 'acme', and the agent is of 'beta'"),
    ],
)
def test_a_place_that_is_not_monitored_has_no_order(
    example: HubExample, changes: dict[str, str], told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        content(example, PLACE._replace(**changes))
