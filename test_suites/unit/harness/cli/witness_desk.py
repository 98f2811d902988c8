"""Results with a journal and a registry, and a witness, for the tests of heads that are signed."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

from typer.testing import CliRunner

from harness.cli.main import app
from harness.store.journal.journal import SegmentJournal, open_journal
from test_suites.kit.campaigns.sent_bundles import SentBundles, batches_of
from test_suites.kit.hubs.keys import write_keys
from test_suites.unit.harness.cli.registry_words import ACME

BETA = ("--supplier", "Beta")


class Desk:
    """A folder of results with a journal and a registry, and a witness with a key of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.out, self.further = folder, folder / "out", folder / "further"
        self.home = self.out / "autumn"
        self.journal, self.registry = self.home / "journal", self.out / "registry.sqlite"
        (folder / "elsewhere").mkdir(exist_ok=True)
        self.key, self.public = write_keys(folder / "elsewhere", "witness", 7)
        self.book = self.key.with_name("witness.signed.jsonl")
        self.receipts = self.out / "registry.sqlite.witness.jsonl"
        self.number = 0

    def accredit(self, *words: str | Path) -> str:
        """Give a command; its standard output. Raises what the command raises."""
        ended = CliRunner().invoke(app, [str(word) for word in words])
        if ended.exception is not None and not isinstance(ended.exception, SystemExit):
            raise ended.exception
        assert ended.exit_code == 0, ended.output
        return " ".join(ended.stdout.split())

    def record(self, name: str, *whose: str) -> None:
        self.accredit("registry", "add", "service", name, *(whose or ACME), "--out", self.out)

    def asked(self) -> Path:
        """A new request."""
        self.number += 1
        path = self.folder / f"request-{self.number}.json"
        self.accredit("witness", "ask", "--to", path, "--out", self.out)
        return path

    def signed(self, request: Path) -> Path:
        """The answer of the witness."""
        path = request.with_name(request.name.replace("request", "answer"))
        self.accredit("witness", "sign", request, "--key", self.key, "--to", path, "--name", "Ama")
        return path

    def add(self, answer: Path, key: Path | None = None) -> str:
        return self.accredit(
            "witness", "add", answer, "--out", self.out, "--witness-key", key or self.public
        )

    def witnessed(self) -> None:
        """Have everything signed, and the receipts kept."""
        self.add(self.signed(self.asked()))

    def verify(self, what: str, *words: str | Path) -> str:
        place = ("journal", "verify", self.home) if what == "journal" else (
            "registry", "verify", "--out", self.out
        )  # fmt: skip
        return self.accredit(*place, *words)

    def kept(self, name: str = "kept") -> Path:
        """A copy of the folder of results as it is now."""
        return Path(shutil.copytree(self.out, self.folder / name))

    def put_back(self, kept: Path, *, with_receipts: bool) -> None:
        """Put an older state back; the receipts stay unless they are put back as well."""
        paths = (self.receipts, self.journal / "witness.jsonl")
        newer = {path: path.read_bytes() for path in paths if path.exists()}
        shutil.rmtree(self.out)
        shutil.copytree(kept, self.out)
        for path, content in {} if with_receipts else newer.items():
            path.write_bytes(content)

    def measure_on(self) -> None:
        with (
            closing(open_journal(self.further)) as whole,
            closing(open_journal(self.journal)) as on,
        ):
            for number, found in batches_of(whole)[-2:]:
                on.append(number, found)
                on.seal()


def make_results(folder: Path, campaign: Path) -> Path:
    """Results: a journal that lacks its last two batches, and a registry of two suppliers.

    Beside them the whole journal, of a campaign in ``campaign``, is in the folder ``further``.
    """
    made, bundles = Desk(folder), SentBundles(campaign)
    journal = bundles.measure()
    with closing(open_journal(journal)) as whole:
        whole.seal()
        shutil.copytree(journal, made.further)
        with closing(SegmentJournal.create(made.journal, whole.document)) as shorter:
            for number, found in batches_of(whole)[:-2]:
                shorter.append(number, found)
            shorter.seal()
    made.record("Safe Net")
    made.record("Other Net", *BETA)
    return made.folder
