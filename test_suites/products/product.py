"""What every product has: a folder, a process, and an end that leaves nothing behind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from test_suites.kit.processes.product import Folder, Place, Process, which


class Product(ABC):
    """A filtering product, running inside ``with``."""

    def __init__(self, name: str) -> None:
        self.folder = Folder(name)
        self.closing = ExitStack()
        self.closing.callback(self.folder.remove)

    @abstractmethod
    def start(self) -> None:
        """Write the configuration and run the process; what it opens goes into ``closing``."""

    def run(self, binary: str, *arguments: str, answers_at: Iterable[Place]) -> None:
        """Start the product's daemon in the foreground and wait until it answers."""
        command = (which(binary) or binary, *arguments)
        log = self.folder.path / "console.log"
        self.closing.enter_context(Process(command, log=log, answers_at=answers_at))

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.closing.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.closing.close()
