"""The benchmarks: one question per file, and a runner, `python -m benchmarks`.

A question's file says at its head what it asks, with which command it is answered, and in which setting. Files with a
leading underscore are machinery; `contenders/` holds the same walk as each contender's user would write it.
"""
