"""The pytest plug-in: ``--campaign FILE`` measures first, ``--journal PATH`` only reads.

Any test that asks for ``outcome`` runs once per requirement, profile and line, with an id such
as ``URL-01-ks2-proxy`` and a marker for area (``-m url``) and severity (``-m crit``).
``assessment`` is the whole, once a session.

Which requirements apply is known only after concluding, so measuring happens when the session
starts, before tests are collected; a journal that exists already is resumed. Under pytest-xdist
only the controller measures, and its workers read the journal.

Without these options the plug-in does nothing but skip tests that ask for an outcome, and fail
the accreditation suite itself, which nobody runs to see it green; it imports nothing heavy, as it
is loaded into every pytest run of an environment it is installed in.

With them the exit code of pytest is 3 if nothing failed but the evidence of a requirement is
insufficient; pytest's own internal error, which is 3 elsewhere, becomes 4.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Generator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from harness.cli.expect import Comparison
    from harness.model.outcome import Assessment, Outcome

ASSESSMENT = pytest.StashKey["Assessment"]()
JOURNAL = pytest.StashKey[Path]()
SOURCE = pytest.StashKey[str]()
"""Whether the journal was measured now, resumed, or read."""
EXPECTED = pytest.StashKey["Comparison"]()
INSUFFICIENT, TROUBLE = 3, 4
"""Exit codes of ``accredit``; pytest's own 3 is an internal error."""
DECISION = "decision"
"""The phase in which an outcome is insufficient: reported as an error, because it is no call."""
NO_CAMPAIGN = "nothing to assess: give --campaign FILE or --journal PATH"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add our options, in a group of their own."""
    group = parser.getgroup("accredit", "accreditation of a filtered internet service")
    group.addoption(
        "--campaign",
        dest="accredit_campaign",
        metavar="FILE",
        help="measure the campaign of this file first (resumes its journal)",
    )
    group.addoption(
        "--journal",
        dest="accredit_journal",
        metavar="PATH",
        help="read the journal in this folder; nothing is sent or written",
    )
    group.addoption(
        "--scheme",
        dest="accredit_scheme",
        metavar="NAME",
        help="assess it against this scheme (a shipped name or a file); default: the campaign's own",
    )
    group.addoption(
        "--fresh",
        dest="accredit_fresh",
        action="store_true",
        help="with --campaign: measure anew; earlier results are kept under another name",
    )
    group.addoption(
        "--expect",
        dest="accredit_expect",
        metavar="FILE",
        help="a file of known differences (accredit expect write): only others fail",
    )


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a pytest-xdist worker which journal the controller has measured."""
    journal = node.config.stash.get(JOURNAL, None)
    if journal is not None:
        node.workerinput["accredit_journal"] = str(journal)
        node.workerinput["accredit_source"] = node.config.stash[SOURCE]


def pytest_sessionstart(session: pytest.Session) -> None:
    """Measure if asked to, conclude, and keep the assessment. A user's mistake ends the run."""
    config = session.config
    if not _is_asked(config):
        return
    from harness.errors import HarnessError  # noqa: PLC0415 - only if asked

    config.pluginmanager.register(_ExitCode(session), "accredit-exit-code")
    try:
        _prepare_session(config)
    except HarnessError as error:
        if error.is_stop:
            pytest.exit(str(error), returncode=pytest.ExitCode.INTERRUPTED)
        if error.exit_code == INSUFFICIENT:  # half of a crossover is yet to be measured
            pytest.exit(str(error), returncode=INSUFFICIENT)
        raise pytest.UsageError(str(error)) from error
    except pytest.UsageError:
        raise
    except Exception as error:  # noqa: BLE001 - pytest would exit with 3, which is "insufficient"
        from harness.cli.process import unexpected_message  # noqa: PLC0415 - only if asked

        pytest.exit(f"accredit: {unexpected_message(error)}", returncode=TROUBLE)


def _prepare_session(config: pytest.Config) -> None:
    """Keep what the session reads: the journal, the assessment, and the expected results."""
    journal, source = _journal(config)
    assessment = _conclude(journal, config.getoption("accredit_scheme"))
    if not assessment.outcomes:
        msg = f"{journal}: scheme {assessment.scheme!r} has no requirement that applies here"
        raise pytest.UsageError(msg)
    config.stash[JOURNAL] = journal
    config.stash[SOURCE] = source
    config.stash[ASSESSMENT] = assessment
    if file := config.getoption("accredit_expect"):
        config.stash[EXPECTED] = _compare(assessment, Path(file))
    for outcome in assessment.outcomes:
        for name, about in _markers(outcome).items():
            config.addinivalue_line("markers", f"{name}: {about}")


def _compare(assessment: Assessment, file: Path) -> Comparison:
    """Compare with a file of expected results. An entry that names no outcome is a mistake."""
    from harness.cli.expect import clock, compare, read_expected  # noqa: PLC0415 - only if asked

    comparison = compare(assessment, read_expected(file), clock.now().date())
    unknown = comparison.differences.keys() - {outcome.id for outcome in assessment.outcomes}
    if unknown:
        msg = f"{file}: lists what is no outcome of this assessment: {', '.join(sorted(unknown))}"
        raise pytest.UsageError(msg)
    for sentence in comparison.undecided:
        warnings.warn(pytest.PytestWarning(f"{file}: {sentence}"), stacklevel=1)
    return comparison


class _ExitCode:
    """Sets the exit code of a session that was asked for an accreditation."""

    def __init__(self, session: pytest.Session) -> None:
        self._session = session
        self._insufficient = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count the outcomes that are insufficient."""
        self._insufficient += report.failed and str(report.when) == DECISION

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Exit 3 if nothing failed and something is insufficient, 4 after an internal error.

        A file of expected results that pins too much is insufficient too.
        """
        if exitstatus == pytest.ExitCode.INTERNAL_ERROR:
            session.exitstatus = TROUBLE
        expected = session.config.stash.get(EXPECTED, None)
        if exitstatus == pytest.ExitCode.OK and expected is not None and expected.undecided:
            session.exitstatus = INSUFFICIENT
        if exitstatus == pytest.ExitCode.TESTS_FAILED and (
            0 < self._insufficient == self._session.testsfailed
        ):
            session.exitstatus = INSUFFICIENT


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test per outcome, for every test that asks for our ``outcome``."""
    assessment = metafunc.config.stash.get(ASSESSMENT, None)
    if assessment is None or "accredit_outcome" not in metafunc.fixturenames:
        return
    cases = [
        pytest.param(
            name_of(outcome),
            id=name_of(outcome),
            marks=[getattr(pytest.mark, name) for name in _markers(outcome)],
        )
        for outcome in assessment.outcomes
    ]
    metafunc.parametrize("accredit_outcome", cases)


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Print which campaign is assessed against which scheme."""
    assessment = config.stash.get(ASSESSMENT, None)
    if assessment is None:
        return []
    from harness.untrusted.visible_text import visible  # noqa: PLC0415 - only if asked

    scheme = f"{assessment.scheme} {assessment.scheme_version}"
    limit = f"{assessment.conformity}: {assessment.limit}; " if assessment.limit else ""
    warnings = [f"accredit: warning: {sentence}" for sentence in assessment.warnings]
    lines = [f"accredit: {limit}campaign {assessment.campaign} against {scheme}", *warnings]
    lines.append(f"accredit: journal {config.stash[JOURNAL]}: {config.stash[SOURCE]}")
    return [visible(line) for line in lines]


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say at the end too whether anything was measured."""
    if ASSESSMENT in config.stash:
        terminalreporter.write_line(f"accredit: the journal was {config.stash[SOURCE]}")


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """Show what is insufficient as an error, by its own name."""
    if report.failed and str(report.when) == DECISION:
        return "error", "I", "INSUFFICIENT"
    return None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fail what cannot be skipped without looking like a success."""
    module = getattr(item, "module", None)
    if getattr(module, "NEEDS_A_CAMPAIGN", False) and ASSESSMENT not in item.config.stash:
        pytest.fail(NO_CAMPAIGN, pytrace=False)


@pytest.hookimpl(wrapper=True, tryfirst=True)  # others, such as Allure, see the phase of pytest
def pytest_runtest_makereport(
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the sentence alone where an outcome speaks for itself: our code is not the news."""
    report = yield
    if call.excinfo is not None and getattr(call.excinfo.value, "speaks_for_itself", False):
        told = call.excinfo.getrepr(style="value")
        if told.reprcrash is not None:
            told.reprcrash.message = str(call.excinfo.value)  # without the exception's name
        report.longrepr = told
    if call.excinfo is not None and getattr(call.excinfo.value, "is_insufficient", False):
        report.when = DECISION  # type: ignore[assignment]  # what is no call is an error in JUnit
    return report


@pytest.fixture(scope="session")
def assessment(pytestconfig: pytest.Config) -> Assessment:
    """The assessment of this session: all outcomes and what they rest on."""
    found = pytestconfig.stash.get(ASSESSMENT, None)
    if found is None:
        pytest.skip(NO_CAMPAIGN)
    return found


@pytest.fixture(scope="session")
def expected_results(pytestconfig: pytest.Config) -> Comparison | None:
    """The outcomes beside the file of ``--expect``; None without one."""
    return pytestconfig.stash.get(EXPECTED, None)


@pytest.fixture(scope="session")
def journal_source(pytestconfig: pytest.Config) -> str:
    """Whether the journal was measured now, resumed, or read."""
    return pytestconfig.stash.get(SOURCE, "")


@pytest.fixture
def accredit_outcome() -> str:
    """The name of this test's outcome, set by parametrisation."""
    pytest.skip(NO_CAMPAIGN)


@pytest.fixture
def outcome(assessment: Assessment, accredit_outcome: str) -> Outcome:
    """One outcome: a requirement, for a profile, on a line."""
    return next(each for each in assessment.outcomes if name_of(each) == accredit_outcome)


def name_of(outcome: Outcome) -> str:
    """``URL-01-ks2-proxy``: pytest puts it into brackets."""
    return f"{outcome.requirement.id}-{outcome.profile}-{outcome.line}"


def _is_asked(config: pytest.Config) -> bool:
    return bool(config.getoption("accredit_campaign") or config.getoption("accredit_journal"))


def _journal(config: pytest.Config) -> tuple[Path, str]:
    """The journal to read, and whether it was measured now.

    Measures first, unless the journal was named or a controller of pytest-xdist has measured.
    """
    worker = getattr(config, "workerinput", None)
    given = (worker or {}).get("accredit_journal") or config.getoption("accredit_journal")
    campaign, fresh = config.getoption("accredit_campaign"), config.getoption("accredit_fresh")
    if worker is not None and given:
        return Path(given), worker.get("accredit_source", "")
    if fresh and not campaign:
        raise pytest.UsageError("--fresh measures anew: it needs --campaign FILE")
    if not campaign:
        return Path(given), "read, nothing was measured"
    if given:
        raise pytest.UsageError("give --campaign FILE or --journal PATH, not both")
    scheme = config.getoption("accredit_scheme")
    if file := config.getoption("accredit_expect"):
        from harness.cli.expect import read_expected  # noqa: PLC0415 - only if asked

        read_expected(Path(file))  # a mistake in it is found before the first packet
    capture = config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled() if capture else nullcontext():
        return _measure(Path(campaign), scheme, fresh=fresh)


def _measure(path: Path, scheme: str | None, *, fresh: bool) -> tuple[Path, str]:
    """Measure (or resume) a campaign file; return its journal's folder, and what was done.

    With ``fresh`` earlier results of the campaign are set aside first. ``scheme`` is checked before
    anything is sent.
    """
    from harness.cli.compose import refuse_retired  # noqa: PLC0415 - only if asked
    from harness.cli.drawing import terminal  # noqa: PLC0415 - the same
    from harness.cli.measure import (  # noqa: PLC0415 - the same
        announce,
        measure_prepared,
        prepare_in,
        resumable,
    )
    from harness.cli.paths import OUT, CampaignPaths  # noqa: PLC0415 - the same
    from harness.cli.preflight import set_aside  # noqa: PLC0415 - the same

    console = terminal(to_stderr=True)
    prepared = prepare_in(path, OUT)
    if fresh:  # what was measured before counts as a use of its packs
        refuse_retired((corpus.reference for corpus in prepared.corpora), "", OUT)
    announce(prepared, console, scheme)
    paths = CampaignPaths(out=OUT, campaign=prepared.campaign.campaign)
    if fresh and (kept := set_aside(paths)):
        console.print(f"the earlier results are kept in {kept}")
        prepared = prepare_in(path, OUT)
    before = _rows_in(paths.journal)
    with resumable(paths.journal):
        measure_prepared(prepared, OUT, console)
    added = _rows_in(paths.journal) - before
    if before and not added:
        return paths.journal, "read again, nothing was measured (--fresh measures anew)"
    source = f"resumed, {added:,} observations were added" if before else "measured now"
    return paths.journal, source


def _rows_in(journal: Path) -> int:
    """The number of observations that a journal holds; 0 without a journal."""
    from harness.store.journal.header import HEADER  # noqa: PLC0415 - only if asked
    from harness.store.journal.journal import open_journal  # noqa: PLC0415 - numpy is heavy

    return open_journal(journal).rows if (journal / HEADER).exists() else 0


def _conclude(path: Path, scheme: str | None) -> Assessment:
    """Conclude from a journal folder (or its campaign's folder) without writing anything."""
    from harness.cli.paths import journal_folder, paths_of_journal  # noqa: PLC0415 - only if asked
    from harness.cli.registry_facts import appeals_in  # noqa: PLC0415 - only if asked
    from harness.pipeline import conclude  # noqa: PLC0415 - keep the start light
    from harness.schemes.load import load_scheme  # noqa: PLC0415 - only if asked
    from harness.store.journal.journal import open_journal  # noqa: PLC0415 - numpy is heavy
    from harness.verdicts.corrected_labels import with_corrected_labels  # noqa: PLC0415 - only if asked

    folder = journal_folder(path)
    journal = open_journal(folder)
    try:
        heard = with_corrected_labels(journal, appeals_in(paths_of_journal(folder).registry))
        return conclude(heard, load_scheme(scheme or journal.header.campaign.scheme))
    finally:
        journal.close()


def _markers(outcome: Outcome) -> dict[str, str]:
    """The markers of an outcome, and what each stands for; a name must be an identifier."""
    requirement = outcome.requirement
    return {
        re.sub(r"\W", "_", requirement.area.lower()): f"requirements of area {requirement.area!r}",
        requirement.severity.lower(): f"requirements of severity {requirement.severity}",
    }
