"""The public keys whose bundles a hub accepts, as ``hub.yaml`` declares them.

A laboratory's results are recorded. What a supplier signed with its own key is a self-test: it is
judged and shown, and no decision rests on it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from harness.errors import UsageError
from harness.model.declared import Declared
from harness.model.stream import LONGEST_NAME, same_name
from harness.signing import read_keys

Named = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]


class TrustedKey(Declared):
    """A public key, who holds it, and whose services it may sign results of.

    Without ``supplier`` a laboratory may sign results of every supplier.
    """

    key: Annotated[str, Field(min_length=1, max_length=1000)]
    holder: Named
    kind: Literal["laboratory", "supplier"]
    supplier: Named | None = None

    @model_validator(mode="after")
    def _names_supplier(self) -> Self:
        if self.kind == "supplier" and self.supplier is None:
            msg = "a supplier's own key needs 'supplier': the name of the supplier"
            raise ValueError(msg)
        return self

    @property
    def is_evidence(self) -> bool:
        """Whether what it signed is recorded, and may be evidence for a decision."""
        return self.kind == "laboratory"

    def may_sign_for(self, supplier: str) -> bool:
        """Whether it may sign results of a supplier's service."""
        return self.supplier is None or same_name(self.supplier) == same_name(supplier)


class TrustedKeys(NamedTuple):
    """The trusted keys by their ids, and the files that they are in."""

    by_id: dict[str, TrustedKey]
    paths: tuple[Path, ...]


def read_trusted(declared: Iterable[TrustedKey], folder: Path) -> TrustedKeys:
    """Read the files of keys; their paths begin at ``folder``.

    Raises UsageError for a file without a key, and for a key that is declared twice.
    """
    by_id: dict[str, TrustedKey] = {}
    paths = []
    for each in declared:
        path = folder / each.key
        (key_id,) = read_keys([path])
        if key_id in by_id:
            msg = f"{path}: this key is trusted already, as that of {by_id[key_id].holder!r}"
            raise UsageError(msg)
        by_id[key_id] = each
        paths.append(path)
    return TrustedKeys(by_id, tuple(paths))
