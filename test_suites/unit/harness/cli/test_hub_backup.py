"""A hub is backed up while it runs, and restored with everything that pages show."""

from __future__ import annotations

import shutil
import sqlite3
import stat
import tarfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from harness.cli import hub_restore
from harness.cli.hub_agents import open_hub
from harness.cli.hub_file import read_hub, read_keys
from harness.cli.long_running import alone_in
from harness.cli.registry_care import changed_rows
from harness.cli.site import write_site
from harness.errors import InstrumentError, UsageError
from harness.store import backup_archive
from harness.store.hub import table_copy
from harness.store.registry.opening import open_registry
from probes.range.authority import Authority
from test_suites.kit.hubs.hub_with_results import BusyHub, files_in, rows_in


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a hub that has measured; each test gets a copy of it at the same place."""
    folder = tmp_path_factory.mktemp("hub")
    hub = BusyHub(folder / "one").fill()
    hub.measure()
    hub.add_rows()
    shutil.copytree(folder / "one", folder / "kept")
    return folder


@pytest.fixture
def example(measured: Path) -> Iterator[BusyHub]:
    shutil.rmtree(measured / "one")
    shutil.copytree(measured / "kept", measured / "one")
    hub = BusyHub(measured / "one")
    hub.clock.at = hub.clock.at.replace(hour=9)
    yield hub
    shutil.rmtree(measured / "new", ignore_errors=True)


@pytest.fixture
def new(measured: Path) -> Path:
    return measured / "new"


def restored(example: BusyHub, path: Path, new: Path, *words: str) -> str:
    return example.accredit("hub", "restore", str(path), "--to", str(new), *words)


def test_a_restored_hub_has_every_row_and_every_file(
    example: BusyHub, new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_copy, "BYTES_AT_ONCE", 200)  # so that tables take several files
    first = example.folder / "out"
    write_site(example.folder / "site", first, first / "registry.sqlite", example.clock)
    rows = rows_in(example.folder / "out/registry.sqlite")
    results, hub = files_in(example.folder / "out"), files_in(example.hub)
    said = restored(example, example.back_up(), new)
    shutil.rmtree(example.folder / "out")  # nothing of the first hub is needed
    shutil.rmtree(example.folder / "files")

    assert "everybody has to sign in again" in said
    again = rows_in(new / "results/registry.sqlite")
    assert 1 == len(rows["hub_sessions"])
    assert rows | {"hub_sessions": []} == again
    assert results == files_in(new / "results")
    found = files_in(new / "hub")
    assert hub.pop("hub.yaml") != found.pop("hub.yaml")
    assert hub == found
    second = new / "results"
    write_site(example.folder / "again", second, second / "registry.sqlite", example.clock)
    assert files_in(example.folder / "site") == files_in(example.folder / "again")
    verified = example.accredit("registry", "verify", "--out", str(new / "results"))
    assert "Acme" in verified
    declared = read_hub(new / "hub")
    assert new / "hub/../results/registry.sqlite" == declared.registry
    assert 1 == len(declared.read_monitoring().services)
    with open_hub(new / "hub", example.clock, example.told.append) as opened:
        assert opened.is_ready()
    assert [] == example.told


@pytest.mark.parametrize("is_made", [False, True])
def test_nothing_is_no_backup(tmp_path: Path, is_made: bool) -> None:
    """As where the environment does not name the database that the hub uses."""
    hub = BusyHub(tmp_path)
    hub.make()
    registry = tmp_path / "out/registry.sqlite"
    if is_made:
        open_registry(registry, create=True).close()
    with pytest.raises(UsageError, match="nothing was backed up: is ACCREDIT_DATABASE_URL set"):
        hub.back_up()
    assert [] == [*tmp_path.glob("backup*")]
    assert is_made == registry.exists(), "a backup makes no registry"


def test_events_stay_append_only_after_a_restore(example: BusyHub, new: Path) -> None:
    restored(example, example.back_up(), new)

    with closing(sqlite3.connect(new / "results/registry.sqlite")) as database:
        for statement in ("DELETE FROM stream_events", "UPDATE streams SET events = 1"):
            with pytest.raises(sqlite3.DatabaseError, match=r"append-only|only grows"):
                database.execute(statement)


def test_only_the_owner_can_read_a_backup_and_what_is_restored(example: BusyHub, new: Path) -> None:
    path = example.back_up()
    restored(example, path, new)

    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert 0o700 == stat.S_IMODE(new.stat().st_mode)
    for each in new.rglob("*"):
        assert 0 == stat.S_IMODE(each.stat().st_mode) & 0o077, each
    assert read_keys(example.hub).public == read_keys(new / "hub").public


def test_comments_of_hub_yaml_are_kept_and_paths_lead_into_the_new_folder(
    example: BusyHub, new: Path
) -> None:
    restored(example, example.back_up(), new)
    text = (new / "hub/hub.yaml").read_text()

    assert "# Where 'accredit serve' listens." in text
    assert "monitoring: ../files/monitoring.yaml" in text
    assert str(example.folder) not in text


def test_a_certificate_and_its_key_are_part_of_a_backup(example: BusyHub, new: Path) -> None:
    elsewhere = example.folder / "elsewhere"
    elsewhere.mkdir()
    content = Authority().key_and_chain("localhost")
    for name in ("cert.pem", "key.pem"):
        (elsewhere / name).write_bytes(content)

    def name_them(document: dict[str, object]) -> None:
        document["certificates"] = [str(elsewhere / "cert.pem")]
        document["key"] = str(elsewhere / "key.pem")

    example.change(example.hub / "hub.yaml", name_them)
    restored(example, example.back_up(), new)

    declared = read_hub(new / "hub")
    assert read_hub(example.hub).certificate_digests() == declared.certificate_digests()
    assert declared.key is not None
    assert content == (declared.folder / declared.key).read_bytes()


def test_a_backup_is_written_to_a_new_file_outside_of_what_it_copies(example: BusyHub) -> None:
    path = example.back_up()
    before = path.read_bytes()

    with pytest.raises(UsageError, match="exists already"):
        example.back_up()
    assert before == path.read_bytes()
    inside = str(example.folder / "out/backup.tar")
    with pytest.raises(UsageError, match="of which it is a copy"):
        example.accredit("hub", "backup", "--hub", str(example.hub), "--out", inside)
    path.unlink()
    with alone_in(example.hub / "upkeep"), pytest.raises(UsageError, match="is writing here"):
        example.back_up()
    assert not path.exists()


def test_a_folder_keeps_the_newest_backups(example: BusyHub) -> None:
    folder = example.folder / "backups"
    folder.mkdir()
    for name in ("accredit-hub-20260101T000000Z.tar", "accredit-hub-20260201T000000Z.tar", "x.tar"):
        (folder / name).write_bytes(b"old")
    said = example.accredit(
        "hub", "backup", "--hub", str(example.hub), "--out", str(folder), "--keep", "2"
    )

    kept = sorted(path.name for path in folder.iterdir())
    assert ["accredit-hub-20260201T000000Z.tar", "x.tar"] == [kept[0], kept[2]]
    assert 3 == len(kept)
    assert "removed 1 older backups" in said
    with pytest.raises(UsageError, match="for a folder"):
        example.back_up("--keep", "2")


def test_a_backup_that_fails_leaves_nothing(
    example: BusyHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backup_archive.ArchiveWriter, "finish", full)
    with pytest.raises(InstrumentError, match="No space left"):
        example.back_up()
    assert [] == [path.name for path in example.folder.glob("backup*")]


def test_what_lies_outside_is_named_and_links_are_not_followed(
    example: BusyHub, capsys: pytest.CaptureFixture[str]
) -> None:
    (example.folder / "secret.pem").write_text("secret")
    (example.folder / "out/link").symlink_to(example.folder / "secret.pem")
    path = example.service.folder / "hill-school.yaml"
    example.change(path, lambda one: one.update(scheme="../scheme.yaml"))
    (example.folder / "scheme.yaml").write_text(
        (example.service.folder / "watched.yaml").read_text()
    )
    archive = example.back_up()

    with tarfile.open(archive) as tar:
        names = tar.getnames()
    assert not any("link" in name or name.endswith("/scheme.yaml") for name in names)
    assert "files/vale-school.yaml" in names


@pytest.mark.parametrize("what", ["folder", "link", "file"])
def test_a_folder_that_is_not_empty_is_refused(example: BusyHub, new: Path, what: str) -> None:
    path = example.back_up()
    if what == "folder":
        new.mkdir()
        (new / "x").write_text("mine")
    elif what == "file":
        new.write_text("mine")
    else:
        new.symlink_to(example.folder)
    with pytest.raises(UsageError, match="is not empty"):
        restored(example, path, new)

    assert "mine" == ((new / "x").read_text() if what == "folder" else "mine")
    if what != "folder":
        new.unlink()


@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_a_damaged_backup_is_refused_and_leaves_nothing(
    example: BusyHub, new: Path, place: float
) -> None:
    path = example.back_up()
    with tarfile.open(path) as tar:
        files = [one for one in tar if one.size]
    hit = files[int(place * len(files))]
    with path.open("r+b") as file:
        file.seek(hit.offset_data)
        byte = file.read(1)
        file.seek(hit.offset_data)
        file.write(bytes([byte[0] ^ 1]))
    with pytest.raises(UsageError, match=r"not a backup, or damaged"):
        restored(example, path, new)

    assert [] == [*new.parent.glob("new*")]


def test_a_backup_that_is_cut_off_is_refused(example: BusyHub, new: Path) -> None:
    path = example.back_up()
    content = path.read_bytes()
    for size in (0, 100, 512, len(content) // 2, len(content) - 12_000):
        path.write_bytes(content[:size])
        with pytest.raises(UsageError, match="not a backup, or damaged"):
            restored(example, path, new)
    assert [] == [*new.parent.glob("new*")]


def test_a_restore_that_is_interrupted_leaves_no_hub_and_can_be_repeated(
    example: BusyHub, new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = example.back_up()
    with monkeypatch.context() as patched:

        def stop(*_: object) -> None:
            raise KeyboardInterrupt

        patched.setattr(hub_restore, "_place", stop)
        with pytest.raises(KeyboardInterrupt):
            hub_restore.restore(path, new)
    assert [] == [*new.parent.glob("new*")]
    left = new.with_name("new.restoring")
    (left / "hub").mkdir(parents=True)
    (left / "hub/hub.keys").write_bytes(b"of a process that was killed")

    hub_restore.restore(path, new)
    assert 96 > (new / "hub/hub.keys").stat().st_size
    assert [new] == [*new.parent.glob("new*")]


def test_a_registry_that_was_changed_is_found_by_its_chain(example: BusyHub, new: Path) -> None:
    with closing(sqlite3.connect(example.folder / "out/registry.sqlite")) as database, database:
        database.execute("DROP TRIGGER stream_events_no_update")
        database.execute("UPDATE stream_events SET actor = 'Eve' WHERE stream = 'supplier:acme'")
    path = example.back_up()

    with pytest.raises(UsageError, match=r"event 1 of supplier:acme was changed"):
        restored(example, path, new)
    assert not new.exists()


def test_the_registry_of_the_backup_is_that_of_one_moment(
    example: BusyHub, new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is recorded while files are copied is not in the backup, and harms nothing."""
    before = rows_in(example.folder / "out/registry.sqlite")["stream_events"]
    add_file = backup_archive.ArchiveWriter.add_file
    done: list[bool] = []

    def record_meanwhile(self: backup_archive.ArchiveWriter, name: str, path: Path) -> bool:
        if not done:
            done.append(True)
            example.invite("Vale School")
        return add_file(self, name, path)

    monkeypatch.setattr(backup_archive.ArchiveWriter, "add_file", record_meanwhile)
    path = example.back_up()
    restored(example, path, new)

    again = rows_in(new / "results/registry.sqlite")["stream_events"]
    assert before == again
    assert len(before) + 1 == len(rows_in(example.folder / "out/registry.sqlite")["stream_events"])


def test_a_registry_elsewhere_must_be_named_by_a_url(
    example: BusyHub, new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = example.back_up()
    with pytest.raises(UsageError, match="only a database URL"):
        restored(example, path, new, "--registry", str(example.folder / "x.sqlite"))
    monkeypatch.setenv("ACCREDIT_REGISTRY", str(example.folder / "x.sqlite"))
    with pytest.raises(UsageError, match="unset that"):
        restored(example, path, new)
    assert not new.exists()


def test_a_registry_of_another_version_is_not_restored(
    example: BusyHub, new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = example.back_up()
    monkeypatch.setattr("harness.store.registry.opening.SCHEMA", "0099")

    with pytest.raises(UsageError, match="tables of version '0003', and this Accredit '0099'"):
        restored(example, path, new)


def test_derived_rows_of_a_restored_registry_follow_from_its_events(
    example: BusyHub, new: Path
) -> None:
    restored(example, example.back_up(), new)
    with open_registry(new / "results/registry.sqlite") as registry:
        assert [] == changed_rows(registry)
