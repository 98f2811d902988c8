"""The declaration of a sealed list program, which a campaign asks about entries that it cannot see.

A sealed list is known to its licensed holder alone. A campaign has the opaque id of each entry, and
the holder's program says what came when it asked for the entry (``harness.ports.list_program``).
"""

from __future__ import annotations

from harness.model.declared import Declared


class SealedList(Declared):
    """The holder's program: its path, relative to the campaign file, and its arguments.

    It runs in the folder of the campaign file. Both are recorded in the journal, so no argument may
    be secret.
    """

    program: str
    arguments: tuple[str, ...] = ()
