"""The file of ``accredit range up --alerts``: to whom the reference filter sends alerts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from harness.errors import UsageError
from harness.model.declared import Declared
from harness.yaml_reader import read_document, validate
from probes.range.alert_delivery import AlertSettings


class AlertsDeclaration(Declared):
    """An alerts file; see ``AlertSettings`` for the meaning of each key."""

    alert_mail: str = ""
    webhook: str = ""
    recipients: Annotated[dict[str, str], Field(default_factory=dict)]
    operator: str = ""
    escalate_to: str = ""
    escalate_after: float = 900.0
    notices_after: float = 60.0

    @model_validator(mode="after")
    def _check(self) -> Self:
        try:
            self.settings()
        except UsageError as error:
            raise ValueError(str(error)) from None
        return self

    def settings(self) -> AlertSettings:
        """Return the settings of the filter. Raises UsageError."""
        return AlertSettings(**self.model_dump())


def read_alerts(path: Path | None) -> AlertSettings | None:
    """Read an alerts file; without a file the filter sends no alerts.

    Raises UsageError and FaultyDocument.
    """
    if path is None:
        return None
    return validate(read_document(path), AlertsDeclaration).settings()
