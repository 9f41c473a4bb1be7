"""Organizations divided over machines."""

from __future__ import annotations

import pytest

from contactship_async.sync import organizations_of_shard

NAMES = [f"organization {place} ü" for place in range(600)]


def test_each_in_one_shard() -> None:
    """Each organization is in exactly one shard, in the order given, and always in the same one."""
    shards = [organizations_of_shard(NAMES, number, 5) for number in range(1, 6)]

    assert sorted(NAMES) == sorted(name for shard in shards for name in shard)
    assert all([*shard] == sorted(shard, key=NAMES.index) for shard in shards)
    assert ("globex", "umbrella") == organizations_of_shard(["acme", "globex", "initech", "umbrella"], 1, 2)


def test_one_shard_more() -> None:
    """A shard more takes its part from all others, and moves no other organization."""
    before = {name: number for number in range(1, 5) for name in organizations_of_shard(NAMES, number, 4)}
    after = {name: number for number in range(1, 6) for name in organizations_of_shard(NAMES, number, 5)}
    moved = [name for name in NAMES if before[name] != after[name]]

    assert {5} == {after[name] for name in moved}
    assert 90 < len(moved) < 150  # a fifth is 120


def test_one_shard() -> None:
    """One shard is all."""
    assert tuple(NAMES) == organizations_of_shard(iter(NAMES), 1, 1)


@pytest.mark.parametrize(("number", "of"), [(0, 5), (6, 5), (-1, 5), (1, 0)])
def test_no_such_shard(number: int, of: int) -> None:
    """A shard that is not there is refused."""
    with pytest.raises(ValueError, match=f"^there is no shard {number} of {of}: "):
        organizations_of_shard(NAMES, number, of)
