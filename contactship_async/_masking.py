"""How calls are named in errors and in the log: without the identifiers of persons that a path may hold."""

from __future__ import annotations

import re
from urllib.parse import unquote

_PERSONAL = re.compile(r"(?:\d[\W_]*){7}|@")
"""What makes a path segment a phone number or an e-mail address, which the API takes as identifiers of contacts.

Numbers that were copied come with any kind of blank and hyphen between the digits.
"""


def describe_call(method: str, path: str) -> str:
    """Name a call in an error text, without the identifiers of persons its path may hold."""
    return f"{method} {mask_path(path)}"


def mask_path(path: str) -> str:
    """Put `***` in place of the segments of *path* that may identify persons."""
    # What was quoted twice, on its way through another system, is unquoted twice.
    return "/".join("***" if _PERSONAL.search(unquote(unquote(part))) else part for part in path.split("/"))
