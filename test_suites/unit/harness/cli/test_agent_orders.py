"""Orders from a hub: which are taken, which are refused, and what stays in force."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cli import agent_orders
from harness.cli.agent_orders import CURRENT, KEPT, MOST_FILES, AgentOrders
from harness.errors import InstrumentError, UsageError
from harness.fleet.messages import Order, OrderFile
from harness.store.atomic_write import write_document

MONITORING = """\
monitoring: acme
services:
  - service: {service}
    supplier: Acme
    sites:
      - site: Hill School
        schedules: [{{name: daily, cron: "15 6 * * *", campaign: {campaign}}}]
"""


def file(name: str, text: str = "x") -> OrderFile:
    """A file of an order."""
    return OrderFile(name=name, data=text.encode())


def order(
    serial: int,
    *more: OrderFile,
    text: str = MONITORING.format(service="Safe Net", campaign="hill.yaml"),
    monitoring: str = "monitoring.yaml",
) -> Order:
    """An order with a monitoring file, its campaign, and more files."""
    files = (file(monitoring, text), file("hill.yaml", "campaign: hill"), *more)
    issued = datetime(2026, 3, 2, tzinfo=UTC)
    return Order(serial=serial, issued=issued, monitoring=monitoring, files=files)


def everything(folder: Path) -> dict[str, bytes]:
    """All files below a folder, by their paths."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def orders(tmp_path: Path) -> AgentOrders:
    return AgentOrders(tmp_path / "agent/orders")


def test_an_order_replaces_the_one_before(orders: AgentOrders) -> None:
    assert (0, None) == (orders.serial, orders.monitoring)

    orders.install(order(3, file("packs/own/datapackage.json", "{}")))
    first = orders.monitoring
    declared = orders.install(
        order(7, text=MONITORING.format(service="Other Net", campaign="./hill.yaml"))
    )

    assert 7 == orders.serial
    assert orders.monitoring == declared.path != first
    assert "Other Net" == declared.services[0].service
    assert first is not None
    assert "{}" == (first.parent / "packs/own/datapackage.json").read_text(encoding="utf-8")


def test_another_process_finds_the_order_in_force(orders: AgentOrders, tmp_path: Path) -> None:
    orders.install(order(3))

    other = AgentOrders(tmp_path / "agent/orders")

    assert (3, orders.monitoring) == (other.serial, other.monitoring)


PLAIN = ("hill/campaign.yaml", "a b.yaml", "A-1_b.yaml", "9", "a..b", "conx.yaml", "communal")


@pytest.mark.parametrize("name", PLAIN)
def test_plain_names_are_taken(orders: AgentOrders, name: str) -> None:
    declared = orders.install(order(1, file(name, "content")))

    assert "content" == (declared.path.parent / name).read_text(encoding="utf-8")


HOSTILE = (
    "..", ".", "/", "../x", "a/../x", "a/..", "./x", "a/./x", "a//x", "/etc/x", "//host/x", "a/",
    "..\\x", "a\\x", "C:\\x", "C:x", "x\0", "x\0.yaml", "x\n", "x\ty", ".hidden", "a/.hidden",
    "w" * 101, "-x", "~", "~root/x", "$HOME", "*", "x:y", "x.", "x ", "a./x", "a /x", " x", "é",
    "\u2025/x", "\uff0e\uff0e/x", "x\u202ey", "a\u0301", "\u2215etc", "CON", "nul", "Nul.yaml",
    "aux.", "COM1", "lpt9.tar.gz", "a/PRN/x", "con .txt", "",
)  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_no_other_name_is_taken(orders: AgentOrders, tmp_path: Path, name: str) -> None:
    orders.install(order(1))
    before = everything(tmp_path)

    with pytest.raises(UsageError, match="only plain relative names are taken"):
        orders.install(order(2, file(name)))
    with pytest.raises(UsageError, match=r"only plain relative names are taken|is not in it"):
        orders.install(msgspec.structs.replace(order(2), monitoring=name))

    assert before == everything(tmp_path)


PARTS = st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=8)), min_size=1, max_size=4)


@given(names=st.lists(PARTS.map("/".join), max_size=3), serial=st.integers(-1, 10**30))
def test_nothing_is_ever_written_outside_the_folder(names: list[str], serial: int) -> None:
    with TemporaryDirectory() as folder:
        outside = Path(folder, "a/b/c/d/e/f")
        orders = AgentOrders(outside / "orders")
        orders.install(order(1))
        in_force = orders.monitoring

        try:
            orders.install(order(serial, *map(file, names)))
        except (UsageError, InstrumentError):
            assert (1, in_force) == (orders.serial, orders.monitoring)
        else:
            assert serial == orders.serial > 1

        found = [Path(folder, path) for path in everything(Path(folder))]
        assert all(path.is_relative_to(outside / "orders") for path in found)
        assert not any(path.is_symlink() for path in Path(folder).rglob("*"))


@pytest.mark.parametrize("names", [("x.yaml", "x.yaml"), ("x.yaml", "X.yaml"), ("hill.yaml",)])
def test_a_file_is_named_once_whatever_the_case_of_its_letters(
    orders: AgentOrders, names: tuple[str, ...]
) -> None:
    with pytest.raises(UsageError, match="names a file twice"):
        orders.install(order(1, *map(file, names)))


def test_a_file_cannot_be_a_folder_too(orders: AgentOrders) -> None:
    with pytest.raises((UsageError, InstrumentError)):
        orders.install(order(1, file("x"), file("x/y")))
    assert 0 == orders.serial


def test_an_order_of_too_many_files_is_refused(orders: AgentOrders) -> None:
    with pytest.raises(UsageError, match="at most 500 are taken"):
        orders.install(order(1, *(file(f"f{number}") for number in range(MOST_FILES))))


@pytest.mark.parametrize("serial", [1, 4, 5])
def test_an_order_that_is_not_newer_is_refused(
    orders: AgentOrders, tmp_path: Path, serial: int
) -> None:
    orders.install(order(5))
    before = everything(tmp_path)

    with pytest.raises(UsageError, match=f"order {serial} is not newer than order 5"):
        orders.install(order(serial, text=MONITORING.format(service="X", campaign="hill.yaml")))

    assert before == everything(tmp_path)


FAULTY = {
    "no YAML": ("monitoring: [", "monitoring.yaml"),
    "another document": ("campaign: x", "monitoring.yaml"),
    "an unknown key": (
        MONITORING.format(service="X", campaign="hill.yaml") + "run: rm\n",
        "run",
    ),
    "a campaign that is not in it": (
        MONITORING.format(service="X", campaign="other.yaml"),
        "the campaign 'other.yaml' is not in the order",
    ),
    "a campaign of the device": (
        MONITORING.format(service="X", campaign="../../../files/hill.yaml"),
        "is not in the order",
    ),
    "an absolute campaign": (
        MONITORING.format(service="X", campaign="/etc/passwd"),
        "is not in the order",
    ),
    "two sites": (
        MONITORING.format(service="X", campaign="hill.yaml")
        + "      - site: Vale School\n"
        + '        schedules: [{name: daily, cron: "15 6 * * *", campaign: hill.yaml}]\n',
        "one site of one service",
    ),
    "a thousand aliases": ("a: &a [x]\nb: [" + "*a," * 30_000 + "]", "monitoring.yaml"),
}


@pytest.mark.parametrize(("text", "says"), FAULTY.values(), ids=FAULTY)
def test_a_faulty_monitoring_file_leaves_the_order_before_in_force(
    orders: AgentOrders, tmp_path: Path, text: str, says: str
) -> None:
    orders.install(order(1))
    before = everything(tmp_path)

    with pytest.raises(UsageError, match=says):
        orders.install(order(2, text=text))

    assert before == everything(tmp_path), "nothing is left of it"


def test_the_monitoring_file_must_be_in_the_order(orders: AgentOrders) -> None:
    with pytest.raises(UsageError, match=r"'other\.yaml' is not in it"):
        orders.install(msgspec.structs.replace(order(1), monitoring="other.yaml"))


def test_two_earlier_orders_stay_for_runs_that_go_on(orders: AgentOrders) -> None:
    for serial in (8, 9, 10, 99_999_999, 100_000_000, 100_000_001):
        orders.install(order(serial))
        assert serial == orders.serial
        assert orders.monitoring is not None
        assert orders.monitoring.is_file()

    assert [100_000_001, 100_000_000, 99_999_999] == [int(each.name) for each in orders.places()]
    assert len(orders.places()) == KEPT


def test_refused_orders_do_not_drive_out_those_that_were_in_force(orders: AgentOrders) -> None:
    orders.install(order(1))
    for serial in range(2, 8):
        with pytest.raises(UsageError):
            orders.install(order(serial, text="monitoring: ["))

    orders.install(order(8))

    assert [8, 1] == [int(each.name) for each in orders.places()]


def stopping(at: Callable[[Path], bool]) -> Callable[[Path, bytes], Path]:
    """``write_document``, which ends the process, as it were, instead of writing some file."""
    really = write_document

    def write(path: Path, content: bytes) -> Path:
        if at(path):
            raise KeyboardInterrupt
        return really(path, content)

    return write


@pytest.mark.parametrize("name", [CURRENT, "monitoring.yaml", "hill.yaml"])
def test_a_kill_while_an_order_is_kept_leaves_the_old_one_in_force(
    orders: AgentOrders, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    orders.install(order(1))
    with monkeypatch.context() as faulty:
        faulty.setattr(agent_orders, "write_document", stopping(lambda path: path.name == name))
        with pytest.raises(KeyboardInterrupt):
            orders.install(order(2, file("old.yaml")))

    again = AgentOrders(tmp_path / "agent/orders")
    assert 1 == again.serial
    assert again.monitoring is not None
    assert again.monitoring.is_file()

    declared = again.install(order(2))
    assert 2 == again.serial
    assert not (declared.path.parent / "old.yaml").exists(), "nothing of the first try is left"


def test_a_full_disk_leaves_the_old_one_in_force(
    orders: AgentOrders, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full(path: Path, content: bytes) -> Path:
        raise InstrumentError(f"{path}: cannot be written: No space left on device")

    orders.install(order(1))
    before = everything(tmp_path)
    monkeypatch.setattr(agent_orders, "write_document", full)

    with pytest.raises(InstrumentError, match="No space left"):
        orders.install(order(2))

    assert before == everything(tmp_path)


DAMAGED = (
    b"", b"{", b'{"serial":1}', b'{"serial":1,"monitoring":"\xff"}', b"[" * 5000, b" " * 20_000,
)  # fmt: skip


@pytest.mark.parametrize("content", DAMAGED)
def test_damage_is_told_in_a_sentence_that_says_what_to_do(
    orders: AgentOrders, tmp_path: Path, content: bytes
) -> None:
    orders.install(order(1))
    path = tmp_path / "agent/orders" / CURRENT
    path.write_bytes(content)

    for use in (lambda: orders.serial, lambda: orders.monitoring, lambda: orders.install(order(2))):
        with pytest.raises(UsageError) as refused:
            use()
        said = str(refused.value)
        assert said.startswith(f"{path}: cannot be read: ")
        assert said.endswith("; remove it, and the hub sends the order again")
        assert 1 == len(said.splitlines())

    path.unlink()
    orders.install(order(1))
    assert 1 == orders.serial


def test_orders_that_are_removed_are_gone(orders: AgentOrders, tmp_path: Path) -> None:
    orders.install(order(1))
    orders.remove()

    assert (0, None) == (orders.serial, orders.monitoring)
    assert {} == everything(tmp_path)
    orders.remove()


@pytest.mark.skipif(os.name != "posix", reason="links")
def test_a_link_in_place_of_an_order_is_not_followed(orders: AgentOrders, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "mine.txt").write_text("mine", encoding="utf-8")
    orders.install(order(1))
    (tmp_path / "agent/orders/00000002").symlink_to(kept)

    with pytest.raises(InstrumentError, match="the order cannot be kept"):
        orders.install(order(2))

    assert {"mine.txt": b"mine"} == everything(kept)
    assert 1 == orders.serial
