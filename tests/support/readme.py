"""The code blocks of the README, for the tests that run them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

_README: Final = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")

BLOCKS: Final = [
    (match[1], match[2]) for match in re.finditer(r"^```(\w*)\n(.*?)^```$", _README, re.MULTILINE | re.DOTALL)
]
"""Each block's language and code, in order."""

FILES: Final = {code.split()[1]: code for language, code in BLOCKS if language == "python" and code.startswith("# ")}
"""The Python blocks that are files of the reader's, by the name in their first line."""

FAULTS: Final = re.findall(r"^\| `(contactship_sandbox\.script\(.*?\))` \|", _README, re.MULTILINE)
"""The lines of a test that make the sandbox fail."""
