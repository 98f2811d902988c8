"""Messages by Apprise, whose addresses stand in a file and are never printed: they hold secrets."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.cli.printing import warn
from harness.errors import Fault, FaultyDocument, InstrumentError, UsageError
from harness.untrusted.regular_file import read_bounded
from harness.untrusted.visible_text import visible

if TYPE_CHECKING:
    from apprise import NotifyBase

MOST_BYTES = 64 * 1024
"""The size of the largest file of addresses."""

OTHERS = 0o077
"""The permissions of everybody but the owner of a file."""


class Target(NamedTuple):
    """Something that takes messages. ``name`` is its line and tags, never its address."""

    name: str
    server: NotifyBase


def read_targets(file: Path) -> tuple[Target, ...]:
    """Return the targets in a file: lines ``URL`` or ``tag,tag=URL``, or Apprise's YAML.

    Raises ModuleNotFoundError without the extra ``notify``, UsageError if the file cannot be read
    or holds no address, and FaultyDocument with the lines that are none. Nothing else is included.
    """
    from apprise import ConfigBase  # noqa: PLC0415 - only if asked

    text = _read(file)
    with _silent() as warnings:
        is_yaml = str(ConfigBase.detect_config_format(text)).rpartition(".")[2].lower() == "yaml"
        targets = _of_yaml(text, file) if is_yaml else _of_lines(text, file)
    if is_yaml and warnings:
        msg = f"{file}: an address in it is none that Apprise knows, or the YAML is wrong"
        raise UsageError(msg)
    if not targets:
        msg = f"{file}: holds no address; write one Apprise URL a line, such as mailto://..."
        raise UsageError(msg)
    return targets


def send_to(targets: Sequence[Target], title: str, lines: Iterable[str], file: Path) -> None:
    """Send a message to each target. Raises InstrumentError naming those that did not take it."""
    body = "\n".join(visible(line) for line in lines)
    with _silent():
        failed = [target.name for target in targets if not _took(target, visible(title), body)]
    if failed:
        took = len(targets) - len(failed)
        msg = (
            f"{file}: the message was not taken by {'; '.join(failed)} ({took} of {len(targets)} "
            "took it); check these addresses, and whether they can be reached"
        )
        raise InstrumentError(msg)


def _took(target: Target, title: str, body: str) -> bool:
    from apprise import Apprise, NotifyFormat  # noqa: PLC0415 - only if asked

    one = Apprise()
    try:
        return one.add(target.server) and bool(
            one.notify(title=title, body=body, body_format=NotifyFormat.TEXT)
        )
    except Exception:  # noqa: BLE001 - a service may raise anything, with its address in the text
        return False


def _read(file: Path) -> str:
    try:
        content = read_bounded(file, MOST_BYTES)
        if os.name == "posix" and file.stat().st_mode & OTHERS:
            warn(f"others on this machine may read {file}, which holds secrets: chmod 600 {file}")
        return content.decode("utf-8-sig")
    except OSError as error:
        msg = f"{file}: {error.strerror or error}"
        raise UsageError(msg) from None
    except UnicodeDecodeError:
        msg = f"{file}: is not UTF-8"
        raise UsageError(msg) from None


def _of_lines(text: str, file: Path) -> tuple[Target, ...]:
    from apprise import ConfigBase  # noqa: PLC0415 - only if asked

    targets: list[Target] = []
    faults: list[Fault] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not (written := line.strip()) or written.startswith(("#", ";")):
            continue
        servers = _servers(ConfigBase.config_parse_text(written, asset=_asset())[0])
        targets += [Target(f"line {number}{_tags(server)}", server) for server in servers]
        if not servers:
            found = "is no address that Apprise knows"
            remedy = "write a URL such as mailto://..., or TAG=URL"
            faults.append(Fault(where=str(file), line=number, key="", found=found, known=remedy))
    if faults:
        raise FaultyDocument(tuple(faults))
    return tuple(targets)


def _of_yaml(text: str, file: Path) -> tuple[Target, ...]:
    from apprise import ConfigBase  # noqa: PLC0415 - only if asked

    found, included = ConfigBase.config_parse_yaml(text, asset=_asset())
    if included:
        msg = f"{file}: includes other files; write all addresses into this one"
        raise UsageError(msg)
    return tuple(
        Target(f"address {number}{_tags(server)}", server)
        for number, server in enumerate(_servers(found), 1)
    )


def _servers(found: Iterable[object]) -> list[NotifyBase]:
    from apprise import NotifyBase  # noqa: PLC0415 - only if asked

    return [each for each in found if isinstance(each, NotifyBase)]


def _tags(server: NotifyBase) -> str:
    tags = sorted(map(str, server.tags))
    return f" ({', '.join(tags)})" if tags else ""


def _asset() -> Any:
    from apprise import AppriseAsset  # noqa: PLC0415 - only if asked

    return AppriseAsset(app_id="Accredit", app_desc="Accredit", app_url="", secure_logging=True)


class _Counting(logging.Handler):
    """Keeps the number of warnings, and nothing of what they say: they may hold an address."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.warnings = 0

    def emit(self, _: logging.LogRecord) -> None:
        self.warnings += 1

    def __bool__(self) -> bool:
        return self.warnings > 0


@contextmanager
def _silent() -> Iterator[_Counting]:
    """Let no library write an address to a log: Apprise, and what it sends by."""
    counting = _Counting()
    loggers = [logging.getLogger(name) for name in ("apprise", "urllib3", "requests")]
    before = [(each, each.propagate, list(each.handlers)) for each in loggers]
    try:
        for each in loggers:
            each.propagate, each.handlers = False, [counting]
        yield counting
    finally:
        for each, propagate, handlers in before:
            each.propagate, each.handlers = propagate, handlers
