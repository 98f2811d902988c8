"""``harness/schemes/parsed.json``: the shipped YAML files, parsed.

``python -m test_suites.documentation.parsed_schemes`` writes it.
"""

from __future__ import annotations

import json

from harness.schemes.parsed import FOLDER, PARSED, digest_of, shipped_files
from harness.yaml_reader import Document, read_text


def parsed_text() -> str:
    """Return the content of the file."""
    held = {}
    for path in shipped_files():
        text = read_text(path)
        held[path.relative_to(FOLDER).as_posix()] = {
            "sha256": digest_of(text),
            "data": Document(str(path), text).data,
        }
    return json.dumps(held, ensure_ascii=False, separators=(",", ":")) + "\n"


if __name__ == "__main__":
    PARSED.write_text(parsed_text(), encoding="utf-8")
