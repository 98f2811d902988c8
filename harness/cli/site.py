"""``accredit site``: the public register, trends and action plans as pages without a server."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from harness.cli.paths import OUT, REGISTRY_OPTION, chosen_registry
from harness.cli.plan_step import clock
from harness.cli.printing import say
from harness.cli.registry_session import open_session
from harness.cli.vouched_time import require_not_behind_any
from harness.errors import InstrumentError, UsageError
from harness.model.event_times import require_not_behind
from harness.ports.storage import Clock

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

MARK = ".accredit-site"
"""The file that shows that a folder was written by this command, and may be replaced."""

PRIVATE = 0o700
"""Mode of the folders that only some may see."""


class WrittenSite(NamedTuple):
    """A site that was written: the first pages of the public register and of the owner.

    ``listed`` is how many versions of services the register lists; ``suppliers`` have pages.
    """

    register: Path
    listed: int
    owner: Path
    suppliers: int


@app.callback()
def site() -> None:
    """Write the public register, trends and action plans as pages without a server."""


@app.command("build")
def build(
    *,
    out: Annotated[Path, typer.Option(help="The folder to write, or to write again.")],
    results: Annotated[Path, typer.Option(help="The results folder.")] = OUT,
    registry: REGISTRY_OPTION = "",
) -> None:
    """Write the site: the public register, and pages for the owner and for each supplier.

    Only the folder ``public`` is to be published. The pages of a supplier hold nothing of others.
    """
    where = chosen_registry(registry, results)
    require_not_behind_any(where, results, clock)
    written = write_site(out, results, where, clock)
    listed = f"{written.listed} {'version' if written.listed == 1 else 'versions'}"
    say(
        f"{written.register}: the public register, {listed} of services; publish this folder alone",
        f"{written.owner}: trends and action plans of all suppliers",
        f"{out / 'suppliers'}: the same for each of {written.suppliers} suppliers, "
        "without the others",
    )


def write_site(out: Path, results: Path, registry: Path | str, clock: Clock) -> WrittenSite:
    """Write the site of a registry and of the campaigns in a results folder.

    An earlier site in ``out`` is replaced. Raises UsageError for any other folder with files, and
    for a clock that is behind the registry; InstrumentError if the site cannot be written or a
    stream was changed.
    """
    from harness.cli.field_records import field_events  # noqa: PLC0415 - keep the start light
    from harness.cli.site_views import views_of  # noqa: PLC0415 - the same
    from reports.site.page_names import page_name  # noqa: PLC0415 - the same
    from reports.site.private_pages import private_files  # noqa: PLC0415 - the same
    from reports.site.public_facts import public_register  # noqa: PLC0415 - the same
    from reports.site.public_pages import public_files  # noqa: PLC0415 - the same

    _require_replaceable(out)
    now = clock.now()
    with open_session(registry, clock=clock) as session:
        require_not_behind(session.registry.heads(), now)
        views = tuple(views_of(session, results, now))
        checks = field_events(session)
    register = public_register(views, now, checks)
    folders = {Path("public"): public_files(register)}
    folders[Path("owner")] = private_files(views, now, for_whom="for the owner of the scheme")
    for view in views:
        for_whom = f"for {view.supplier}"
        files = private_files((view,), now, for_whom=for_whom)
        folders[Path("suppliers", page_name(view.name, view.supplier))] = files
    _write(out, folders)
    return WrittenSite(
        register=out / "public" / "index.html",
        listed=len(register.services),
        owner=out / "owner" / "index.html",
        suppliers=len(views),
    )


def _require_replaceable(out: Path) -> None:
    """Raise UsageError for a folder with files that another program wrote."""
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        msg = f"{out}: is not a folder; name a new one"
        raise UsageError(msg)
    try:
        is_foreign = out.is_dir() and any(out.iterdir()) and not (out / MARK).is_file()
    except OSError as error:
        msg = f"{out}: {error.strerror or error}"
        raise UsageError(msg) from None
    if is_foreign:
        msg = f"{out}: holds files that are not of a site; name a new folder, or an earlier site"
        raise UsageError(msg)


def _write(out: Path, folders: Mapping[Path, Mapping[str, bytes]]) -> None:
    """Write a site beside an earlier one, then replace that. Raises InstrumentError."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
        try:
            _fill(made, folders)
            _replace(out, made)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    except OSError as error:
        msg = f"{out}: the site cannot be written: {error.strerror or error}"
        raise InstrumentError(msg) from error


def _fill(made: Path, folders: Mapping[Path, Mapping[str, bytes]]) -> None:
    made.chmod(0o755)
    (made / MARK).write_bytes(b"Written by accredit site build. Publish the folder public alone.\n")
    for folder, files in folders.items():
        top = made / folder.parts[0]
        top.mkdir(exist_ok=True)
        if folder.parts[0] != "public":
            top.chmod(PRIVATE)
        for name, content in files.items():
            path = made / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def _replace(out: Path, made: Path) -> None:
    """Put a new folder in the place of an earlier one, which is deleted."""
    if not out.exists():
        made.rename(out)
        return
    earlier = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        out.rename(earlier / out.name)
        try:
            made.rename(out)
        except OSError:
            (earlier / out.name).rename(out)
            raise
    finally:
        shutil.rmtree(earlier, ignore_errors=True)
