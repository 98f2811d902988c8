"""The uploads of people at a hub: files in parts, their states, and the thread that looks at them.

What is answered is on the disk before. The state of each upload is in the registry's database, so
that a process which begins again goes on where the last one ended.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO

from harness.cli.hub_file import HubFile
from harness.cli.process import unexpected_message
from harness.cli.upload_ingest import STEPS, Ended, UploadIngest
from harness.errors import HarnessError, InstrumentError
from harness.model.hub_access import Viewer
from harness.ports.storage import Clock
from harness.store.hub import upload_store
from harness.store.hub.upload_store import (
    FINAL,
    LOOKED_AT,
    OPEN,
    StoredUpload,
    UploadState,
)
from harness.store.private_folder import make_private
from harness.store.registry.streams import Registry
from harness.store.uploads import MOST_UNFINISHED, Uploads
from reports.dashboard.upload_port import (
    MOST_SIZE,
    FileAnnounced,
    PartAnswer,
    UploadRefused,
)

FOLDER, INCOMING = "sent", "incoming"
"""The folder of a hub with what people sent, and within it that of forms that are under way."""

MOST_OPEN = 100
"""The most whole files of one person that are not looked at."""

SELF_TESTS = 20
"""How many bundles of self-tests of one person are kept; of older ones the result stays."""

LOCKS = 64
AGAIN_AFTER = 600.0
"""Seconds until uploads that could not be looked at are tried again."""

RESERVE = 256 * 1024**2
"""Bytes that must stay free beside uploads, for the registry."""

MOST_CUT_OFF = 3
"""How often a process may end while it looks at a bundle, until that is put down to the bundle."""

LOST = Ended(UploadState.REFUSED, "the hub lost the file; send it again")
"""What becomes of an upload whose file is not here any more."""

_HEX = re.compile(r"[0-9a-f]{32,64}", re.ASCII)


class HubUploads:
    """What people sent to a hub. Its methods block, and may be called from several threads.

    ``wake`` is called when there is something to look at.
    """

    def __init__(self, hub: HubFile, registry: Registry, clock: Clock) -> None:
        self._folder = hub.folder / FOLDER
        self._registry = registry
        self._clock = clock
        self._locks = tuple(threading.Lock() for _ in range(LOCKS))
        self.wake: Callable[[], None] = lambda: None

    def require_room(self, size: int) -> None:
        """Raise UploadRefused if so many bytes more would fill the disk."""
        make_private(self._folder)
        if shutil.disk_usage(self._folder).free < size + RESERVE:
            raise UploadRefused("no-room", "the hub has too little space; tell its administrator")

    def begin(self, viewer: Viewer, file: FileAnnounced) -> tuple[StoredUpload, bool]:
        """Begin an upload, or return that of the same file, and whether it is new.

        Raises UploadRefused, InstrumentError.
        """
        with self._lock(viewer.person):
            return self._begun(viewer, file)

    def find(self, viewer: Viewer, upload_id: str) -> StoredUpload | None:
        """An upload of the viewer; ``None`` if it has none with that id."""
        with self._registry.transaction() as connection:
            held = upload_store.of_person(connection, viewer.person, upload_id)
        if held is None or held.state != UploadState.RECEIVING:
            return held
        return held._replace(received=self._files(viewer.person).held(held.sha256))

    def page(
        self, viewer: Viewer, before: StoredUpload | None, limit: int
    ) -> tuple[StoredUpload, ...]:
        """The viewer's uploads, newest first, from the one after ``before``."""
        with self._registry.transaction() as connection:
            return upload_store.page_of(connection, viewer.person, before, limit)

    def receive(
        self, viewer: Viewer, upload_id: str, offset: int, data: bytes
    ) -> PartAnswer | None:
        """Take a part at an offset; ``None`` if the viewer has no such upload.

        Raises UploadRefused, InstrumentError.
        """
        with self._lock(viewer.person):
            held = self.find(viewer, upload_id)
            if held is None:
                return None
            if held.state != UploadState.RECEIVING:
                return PartAnswer(held, is_taken=offset == held.size)
            return self._received(held, offset, data)

    def take_file(self, viewer: Viewer, name: str, file: BinaryIO) -> StoredUpload:
        """Take a whole file, which is read from its beginning. Raises UploadRefused."""
        path = self._folder / INCOMING / secrets.token_hex(16)
        try:
            make_private(path.parent)
            with path.open("xb") as written:
                shutil.copyfileobj(file, written, 1 << 20)
            with path.open("rb") as read:
                digest = hashlib.file_digest(read, "sha256").hexdigest()
            announced = FileAnnounced(name, path.stat().st_size, digest)
            with self._lock(viewer.person):
                return self._adopted(viewer, announced, path)
        except OSError as error:
            msg = f"{path.parent}: a file cannot be written: {error.strerror or error}"
            raise InstrumentError(msg) from None
        finally:
            path.unlink(missing_ok=True)

    def _adopted(self, viewer: Viewer, announced: FileAnnounced, path: Path) -> StoredUpload:
        upload, _ = self._begun(viewer, announced)
        if upload.state != UploadState.RECEIVING:
            return upload
        spared = self._ended(viewer.person)
        taken = self._files(viewer.person).adopt(announced.sha256, path, spared)
        _require_taken(taken.refusal, taken.words)
        return self._whole(upload)

    def path(self, upload: StoredUpload) -> Path:
        """Where a whole file is."""
        return self._files(upload.person).path(upload.sha256)

    def is_whole(self, upload: StoredUpload) -> bool:
        """Whether a file is here; one that was not moved yet is moved. Raises InstrumentError."""
        self._files(upload.person).finish(upload.sha256, upload.size)
        return self.path(upload).is_file()

    def recover(self) -> None:
        """Continue from what a process that ended left. Raises InstrumentError."""
        with self._registry.transaction() as connection:
            cut_off = upload_store.in_states(connection, LOOKED_AT)
            left = upload_store.in_states(connection, {UploadState.RECEIVING})
        for upload in cut_off:
            self._again(upload)
        for upload in left:
            with self._lock(upload.person):
                files = self._files(upload.person)
                if files.finish(upload.sha256, upload.size).held == upload.size:
                    self._whole(upload)

    def _again(self, upload: StoredUpload) -> None:
        """Look again at an upload, unless it seems to be what ended the process."""
        if upload.cut_off + 1 < MOST_CUT_OFF:
            values = {"state": UploadState.WAITING.value, "cut_off": upload.cut_off + 1}
            self._changed(upload, **values)
            return
        words = f"the hub ended {MOST_CUT_OFF} times while it looked at it; nothing was stored"
        self.end(upload, Ended(UploadState.REFUSED, words))

    def put_off(self, upload: StoredUpload) -> None:
        """Keep that an upload waits, because the hub is at fault. Raises InstrumentError."""
        self._changed(upload, state=UploadState.WAITING.value)

    def remove_incoming(self) -> None:
        """Remove the files of forms that a process which ended did not finish."""
        shutil.rmtree(self._folder / INCOMING, ignore_errors=True)

    def next_open(self, leave: frozenset[str]) -> StoredUpload | None:
        """The oldest upload that has to be looked at, but for those with these ids."""
        with self._registry.transaction() as connection:
            return upload_store.next_open(connection, leave)

    def tell(self, upload: StoredUpload, state: UploadState, done: int, known: Ended) -> None:
        """Keep how far looking at an upload is."""
        values = known._asdict() | {"state": state.value, "done": done, "total": STEPS}
        with self._registry.transaction(is_writing=True) as connection:
            upload_store.change(connection, upload.id, self._clock.now(), **values)

    def end(self, upload: StoredUpload, ended: Ended) -> None:
        """Keep what became of an upload, and remove files that are not needed any more."""
        self.tell(upload, ended.state, STEPS, ended)
        files = self._files(upload.person)
        if ended.state is UploadState.REFUSED:
            files.forget(upload.sha256)
            return
        with self._registry.transaction() as connection:
            tests = upload_store.in_states(connection, {UploadState.SELF_TEST}, upload.person)
        for old in tests[:-SELF_TESTS]:
            files.forget(old.sha256)

    def _begun(self, viewer: Viewer, file: FileAnnounced) -> tuple[StoredUpload, bool]:
        if not 0 < file.size <= MOST_SIZE:
            raise UploadRefused("too-large", f"a bundle has 1 to {MOST_SIZE:,} bytes")
        with self._registry.transaction() as connection:
            held = upload_store.with_file(connection, viewer.person, file.sha256)
            waiting = upload_store.count(connection, viewer.person, OPEN)
        if held is not None and held.size == file.size:
            return held, False
        if waiting >= MOST_OPEN:
            raise UploadRefused("busy", "too many of your uploads wait; send this one later")
        self.require_room(file.size)
        self._forget_oldest(viewer.person)
        now, identity = self._clock.now(), secrets.token_hex(16)
        upload = upload_store.new_upload(
            identity, viewer, _printable(file.name), (file.sha256, file.size), now
        )
        with self._registry.transaction(is_writing=True) as connection:
            upload_store.add(connection, upload)
        return upload, True

    def _received(self, upload: StoredUpload, offset: int, data: bytes) -> PartAnswer:
        files, sha256, size = self._files(upload.person), upload.sha256, upload.size
        held = files.finish(sha256, size).held
        if held == size:
            return PartAnswer(self._whole(upload), is_taken=offset == size)
        if offset != held:
            return PartAnswer(self._at(upload, held), is_taken=False)
        self.require_room(len(data))
        taken = files.receive(sha256, size, offset, data, self._ended(upload.person))
        if taken.refusal == "incomplete" and offset + len(data) == size:
            words = f"{taken.words}; send the file again; nothing was stored"
            self.end(upload, Ended(UploadState.REFUSED, words))
            raise UploadRefused("faulty", words)
        _require_taken(taken.refusal, taken.words)
        if taken.held == size:
            return PartAnswer(self._whole(upload), is_taken=True)
        return PartAnswer(self._at(upload, taken.held), is_taken=True)

    def _at(self, upload: StoredUpload, held: int) -> StoredUpload:
        """Keep how many bytes are held."""
        if held == upload.received:
            return upload
        return self._changed(upload, received=held)

    def _whole(self, upload: StoredUpload) -> StoredUpload:
        """Keep that all bytes are held, and have the file looked at."""
        changed = self._changed(upload, received=upload.size, state=UploadState.WAITING.value)
        self.wake()
        return changed

    def _changed(self, upload: StoredUpload, **values: object) -> StoredUpload:
        with self._registry.transaction(is_writing=True) as connection:
            upload_store.change(connection, upload.id, self._clock.now(), **values)
            return upload_store.of_person(connection, upload.person, upload.id) or upload

    def _forget_oldest(self, person: str) -> None:
        """End the uploads that were left unfinished longest, if there are too many."""
        with self._registry.transaction() as connection:
            begun = upload_store.in_states(connection, {UploadState.RECEIVING}, person)
        for old in begun[: max(0, len(begun) - MOST_UNFINISHED + 1)]:
            words = f"it was left unfinished, and {MOST_UNFINISHED} others were begun after it"
            self.end(old, Ended(UploadState.REFUSED, f"{words}; nothing was stored"))

    def _ended(self, person: str) -> set[str]:
        """The files of a person that do not count in the limits: they were looked at."""
        with self._registry.transaction() as connection:
            return {each.sha256 for each in upload_store.in_states(connection, FINAL, person)}

    def _files(self, person: str) -> Uploads:
        is_name = _HEX.fullmatch(person) is not None
        name = person if is_name else hashlib.sha256(person.encode()).hexdigest()
        return Uploads(self._folder / "parts", self._folder / "bundles", name)

    def _lock(self, person: str) -> threading.Lock:
        """One request of a person at a time changes files."""
        return self._locks[hashlib.sha256(person.encode()).digest()[0] % LOCKS]


def _printable(name: str) -> str:
    """The name of a file on one line, without characters that cannot be printed."""
    printable = "".join(letter if letter.isprintable() else " " for letter in name)
    return " ".join(printable.split()) or "bundle"


def _require_taken(refusal: str, words: str) -> None:
    if refusal == "busy":
        raise UploadRefused("busy", "too many of your files wait; send this one later")
    if refusal:
        raise UploadRefused("faulty", words)


@contextmanager
def looking_at_uploads(
    uploads: HubUploads,
    ingest: UploadIngest,
    tell: Callable[[str], None],
    renew: Callable[[], object],
) -> Iterator[None]:
    """Look at uploads in a thread, those first that an earlier process left.

    ``renew`` makes the rows of pages from what was recorded.
    """
    stop, woken = threading.Event(), threading.Event()
    uploads.wake = woken.set
    uploads.remove_incoming()
    look = partial(look_at, uploads, ingest, tell=tell, renew=renew)
    thread = threading.Thread(
        target=_look_at_all, args=(uploads, look, tell, stop, woken), name="uploads"
    )
    thread.start()
    try:
        yield
    finally:
        stop.set()
        woken.set()
        thread.join()


def _look_at_all(
    uploads: HubUploads,
    look: Callable[[StoredUpload], bool],
    tell: Callable[[str], None],
    stop: threading.Event,
    woken: threading.Event,
) -> None:
    """Look at uploads until ``stop``; those that cannot be looked at now are tried again later."""
    is_recovered = False
    deferred: set[str] = set()
    while not stop.is_set():
        woken.clear()
        try:
            if not is_recovered:
                uploads.recover()
                is_recovered = True
            upload = uploads.next_open(frozenset(deferred))
        except HarnessError as error:
            tell(f"uploads cannot be read: {error}")
            upload = None
        if upload is not None:
            if not look(upload):
                deferred.add(upload.id)
        elif not woken.wait(AGAIN_AFTER):
            deferred.clear()


def look_at(
    uploads: HubUploads,
    ingest: UploadIngest,
    upload: StoredUpload,
    tell: Callable[[str], None],
    renew: Callable[[], object],
) -> bool:
    """Look at one upload; whether it ended. One that cannot be looked at now waits.

    It is told to be recorded once ``renew`` has made its page, to which it leads.
    """

    def told(state: UploadState, done: int, known: Ended) -> None:
        uploads.tell(upload, state, done, known)

    try:
        is_here = uploads.is_whole(upload)
        ended = ingest.ingest(upload, uploads.path(upload), told) if is_here else LOST
        if ended.state is UploadState.RECORDED:
            renew()
        uploads.end(upload, ended)
    except HarnessError as error:
        tell(f"the upload {upload.id} waits: {error}")
    except Exception as error:  # noqa: BLE001 - one upload must not stop the others
        tell(f"the upload {upload.id} waits: {unexpected_message(error)}")
    else:
        return True
    with suppress(HarnessError):
        uploads.put_off(upload)
    return False
