"""An archive from a stranger is unpacked into its folder, or refused whole."""

import io
import os
import tarfile
import zipfile
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from corpora.archive import is_archive, unpacked
from corpora.source import Deadline, Limits, ListRefused

FIXTURES = Path(__file__).parent / "importers" / "fixtures"
LIMITS = Limits(total_bytes=1024 * 1024, members=10)


def member(name: str, **fields: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    for key, value in fields.items():
        setattr(info, key, value)
    return info


def tar_of(folder: Path, *members: tuple[tarfile.TarInfo, bytes], mode: str = "w:gz") -> Path:
    path = folder / "list.tar"
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for info, content in members:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def zip_of(folder: Path, *members: tuple[str, bytes]) -> Path:
    path = folder / "list.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def unpack(path: Path) -> dict[str, str]:
    with unpacked(path, LIMITS) as folder:
        return {
            str(one.relative_to(folder)): one.read_text()
            for one in sorted(folder.rglob("*"))
            if one.is_file()
        }


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_sound_tar_is_unpacked(tmp_path: Path, mode: str) -> None:
    path = tar_of(
        tmp_path,
        (member("lists", type=tarfile.DIRTYPE), b""),
        (member("lists/gambling/domains"), b"a.example\n"),
        (member("lists/betting", type=tarfile.SYMTYPE, linkname="gambling"), b""),
        mode=mode,
    )

    assert is_archive(path)
    assert unpack(path) == {"lists/gambling/domains": "a.example\n"}


def test_a_sound_zip_is_unpacked_and_nothing_is_left(tmp_path: Path) -> None:
    path = zip_of(tmp_path, ("gambling/", b""), ("gambling/domains", b"a.example\n"))

    with unpacked(path, LIMITS) as folder:
        assert (folder / "gambling" / "domains").read_text() == "a.example\n"
    assert not folder.exists()


@pytest.mark.parametrize("name", ["traversal.zip", "traversal.tar.gz"])
def test_a_path_out_of_the_archive_is_refused(name: str) -> None:
    with pytest.raises(ListRefused, match="path traversal refused") as caught:
        unpack(FIXTURES / name)

    assert caught.value.value == "../escape.txt"


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ([(member("/abs"), b"x")], "path traversal"),
        ([(member("a\\..\\b"), b"x")], "path traversal"),
        ([(member("a", type=tarfile.SYMTYPE, linkname="../../etc"), b"")], "link leaves"),
        ([(member("a", type=tarfile.SYMTYPE, linkname="/etc"), b"")], "link leaves"),
        ([(member("a", type=tarfile.SYMTYPE, linkname=".."), b"")], "link leaves"),
        ([(member("a", type=tarfile.LNKTYPE, linkname="b"), b"")], "link or device"),
        ([(member("a", type=tarfile.CHRTYPE), b"")], "link or device"),
        ([(member("a", type=tarfile.FIFOTYPE), b"")], "link or device"),
        (
            [(member("a", type=tarfile.SYMTYPE, linkname="b"), b""), (member("a/c"), b"x")],
            "through a link",
        ),
        (
            [(member("a", type=tarfile.SYMTYPE, linkname="b"), b""), (member("a"), b"x")],
            "through a link",
        ),
        ([(member("a"), b"x"), (member("a"), b"x")], "not readable: FileExistsError"),
        ([(member("/".join("abcdefghij")), b"x")], "too deep"),
        ([(member(str(number)), b"x") for number in range(11)], "more than 10 files"),
        ([(member("a"), b"\0" * 2_000_000)], "more than 1048576 bytes"),
    ],
)
def test_a_bad_tar_is_refused_whole(
    tmp_path: Path, members: list[tuple[tarfile.TarInfo, bytes]], reason: str
) -> None:
    with pytest.raises(ListRefused, match=reason):
        unpack(tar_of(tmp_path, *members))


def test_a_header_of_a_size_to_fear_is_refused(tmp_path: Path) -> None:
    info = member("x" * 2_000_000)
    path = tar_of(tmp_path, (info, b"x"))

    with pytest.raises(ListRefused, match="header too large"):
        unpack(path)


@pytest.mark.parametrize(
    "bomb",
    [
        lambda folder: zip_of(folder, ("a", b"\0" * 2_000_000)),
        lambda folder: zip_of(folder, *((str(n), b"\0" * 300_000) for n in range(4))),
    ],
)
def test_a_zip_bomb_is_refused(tmp_path: Path, bomb: Callable[[Path], Path]) -> None:
    with pytest.raises(ListRefused, match="bytes unpacked; whole archive rejected"):
        unpack(bomb(tmp_path))


def test_a_broken_archive_is_refused(tmp_path: Path) -> None:
    path = tar_of(tmp_path, (member("a"), b"abc" * 500))
    path.write_bytes(path.read_bytes()[:-20])

    with pytest.raises(ListRefused, match="not readable"):
        unpack(path)


def test_what_is_no_archive_is_known(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("0.0.0.0 a.example\n" * 100)

    assert not is_archive(tmp_path / "a.txt")
    assert not is_archive(tmp_path)
    assert not is_archive(tmp_path / "none")


@pytest.mark.parametrize("make", [tar_of, zip_of])
def test_unpacking_stops_at_its_deadline(tmp_path: Path, make: Callable[..., Path]) -> None:
    names = ["gambling/domains", "gambling/urls"]
    files = [(member(name) if make is tar_of else name, b"a.example\n") for name in names]
    moments = count()
    deadline = Deadline(2.5, lambda: float(next(moments)))

    with (
        pytest.raises(ListRefused, match=r"stopped after 2.5 seconds, at file 2"),
        unpacked(make(tmp_path, *files), LIMITS, deadline),
    ):
        pass


def test_the_directory_of_a_zip_file_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = zip_of(tmp_path, *((f"d/{number:050}", b"") for number in range(9)))
    unpack(path)
    monkeypatch.setattr("corpora.archive._DIRECTORY_LIMIT", 500)

    with pytest.raises(ListRefused, match="directory of the archive too large"):
        unpack(path)


def test_a_pipe_is_no_archive(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    assert not is_archive(tmp_path / "pipe")
    with pytest.raises(ListRefused, match="archive not readable"):
        unpack(tmp_path / "pipe")
