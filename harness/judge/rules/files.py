"""Rules for files that were downloaded or uploaded: they arrived, arrived changed, or did not.

A file that came in part or changed is *altered*, which counts neither as blocked nor as delivered
where it was to be stopped. A block needs evidence, by the rules for web answers.
"""

from __future__ import annotations

from harness.judge.trial_features import Rule, TrialFeatures
from harness.model.content_form import variant_of
from harness.model.file_case import file_case
from harness.model.verdict import State

PARTIAL, SWITCHING = 206, 101


def _file(features: TrialFeatures) -> str:
    return features.web.file if features.web is not None else ""


def _is_harmless(features: TrialFeatures) -> bool:
    return _file(features) in ("content", "received")


def _is_same(features: TrialFeatures) -> bool:
    one, other = features.web, features.control_web
    return (
        one is not None
        and other is not None
        and bool(one.body_sha256)
        and one.body_sha256 == other.body_sha256
    )


def _digests(features: TrialFeatures) -> str:
    one, other = features.web, features.control_web
    if one is None or other is None:
        return ""
    return (
        f"service: {one.body_length} bytes, sha256 {one.body_sha256[:16]}; "
        f"control: {other.body_length} bytes, sha256 {other.body_sha256[:16]}"
    )


def _ranges_missed(features: TrialFeatures) -> bool:
    """Whether the case is about byte ranges, and the control's server sent none."""
    case = file_case(variant_of(features.service.item.stratum))
    control = features.control_web
    if case is None or case.transport is None or not case.transport.ranges or control is None:
        return False
    return bool(control.file) and control.status != PARTIAL


def _connection_missed(features: TrialFeatures) -> bool:
    """Whether the case is about a connection of another kind, and the control had none."""
    case = file_case(variant_of(features.service.item.stratum))
    control = features.control_web
    if case is None or case.transport is None or control is None or not control.file:
        return False
    match case.transport.connection:
        case "websocket":
            return control.status != SWITCHING
        case "kept" | "pipelined":
            return not control.kept
    return False


def _control_status(features: TrialFeatures) -> str:
    return f"control: status {features.control_web.status}" if features.control_web else ""


def _lost_its_content(features: TrialFeatures) -> bool:
    """Whether the origin's answer came, without what the control found in the file."""
    one, other = features.web, features.control_web
    if one is None or other is None or not features.answered:
        return False
    return one.asked and bool(other.file) and not one.file


FILE_PRECONDITIONS: tuple[Rule, ...] = (
    Rule(
        id="control-without-ranges",
        matches=_ranges_missed,
        state=State.DOWN,
        says="the file did not arrive in byte ranges on the control line either, so ranges were "
        "not tried",
        saw=_control_status,
    ),
    Rule(
        id="control-without-connection",
        matches=_connection_missed,
        state=State.DOWN,
        says="the file did not arrive by a WebSocket, or on a kept connection, on the control line "
        "either, so this was not tried",
        saw=_control_status,
    ),
)

FILE_RULES: tuple[Rule, ...] = (
    Rule(
        id="file-arrived",
        matches=lambda features: _file(features) in ("test string", "agreed file"),
        state=State.ALLOWED,
        says="the file arrived",
        saw=lambda features: f"found in it: the {_file(features)}",
    ),
    Rule(
        id="file-unchanged",
        matches=lambda features: _is_harmless(features) and _is_same(features),
        state=State.ALLOWED,
        says="the file arrived, the same bit for bit as on the control line",
        saw=_digests,
    ),
    Rule(
        id="file-changed",
        matches=_is_harmless,
        state=State.ALTERED,
        says="the file arrived, but is not the same as on the control line",
        saw=_digests,
    ),
)
"""Before the rules for web answers."""

FILE_LOST_RULES: tuple[Rule, ...] = (
    Rule(
        id="file-without-content",
        matches=_lost_its_content,
        state=State.ALTERED,
        says="an answer of the origin came, but what was to be in it is missing",
        saw=_digests,
    ),
)
"""After the rules for block pages."""
