"""Templates of pages: everything is escaped; they are kept compiled, as Python keeps modules."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import jinja2
from jinja2.bccache import Bucket

from reports import phrases

DOCUMENTS = Path(__file__).parent / "documents"
KEPT = Path(__file__).parent / "__pycache__"


class CompiledTemplates(jinja2.FileSystemBytecodeCache):
    """Compiled templates in a folder, where it can be written; Jinja checks them with the source.

    Jinja's own check leaves out its version, which is therefore in the names of the files.
    """

    def __init__(self, folder: Path = KEPT) -> None:
        super().__init__(
            str(folder), f"jinja-{jinja2.__version__}-%s.{sys.implementation.cache_tag}"
        )

    def load_bytecode(self, bucket: Bucket) -> None:
        """Load a template that was kept, if there is one."""
        with suppress(OSError):
            super().load_bytecode(bucket)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep a compiled template, unless Python is to write none."""
        if not sys.dont_write_bytecode:
            with suppress(OSError):
                super().dump_bytecode(bucket)


def page_environment(*folders: Path) -> jinja2.Environment:
    """Jinja templates of pages: everything is escaped, and a name that is missing is an error.

    Templates are looked up in ``folders`` first, then in those of documents. Nothing is evaluated
    while a template is compiled: what is kept depends on its text alone.
    """
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader([*folders, DOCUMENTS]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        optimized=False,
        bytecode_cache=CompiledTemplates(),
        finalize=_finalize,
    )


def _finalize(shown: Any) -> Any:
    """Escape control characters in text from outside; the template's own markup stays."""
    return phrases.plain(shown, keep="\n\t") if type(shown) is str else shown
