"""Texts that look like something else: like SQL, like parts of its formats, like nothing at all."""

from __future__ import annotations

HOSTILE = [
    "'; DROP TABLE phone_numbers; --",
    "\"quoted\" and 'quoted'",
    "?, %s, %(name)s, %%, $1, :name",
    r"back\slash, \., \N, \u0041, \\",
    "\\.\n\\N\n",
    "line\nfeed\rreturn\ttab\vtab\ffeed\b\x1b\x7f\x85\u2028",
    "ü 日本語 \N{GRINNING FACE} e\u0301 \u200b\u202e",
    "\ufeff\ufffe\uffff",
    "a\0b",
    "NULL",
    "",
    " ",
    "{}",
    "[1",
    "x" * 100_000,
]
