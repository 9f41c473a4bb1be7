"""Organizations divided over machines that do not talk to each other: rendezvous hashing."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b


def organizations_of_shard(organizations: Iterable[str], number: int, of: int) -> tuple[str, ...]:
    """Return the organizations of one of several shards: each is in exactly one, whatever the others are.

        names = organizations_of_shard(read_organizations("organizations.toml"), 2, 5)

    One shard more or less moves as few organizations as possible. Shards are not of the same size: of 60 organizations
    in 5 shards, the largest has 16 on average instead of 12.

    Args:
        organizations: Their names.
        number: Of the shard, from 1 on.
        of: How many shards there are, >= 1.

    Returns:
        Their names, in the order given.

    Raises:
        ValueError: There is no such shard.

    Source: D. Thaler, C. Ravishankar: Using name-based mappings to increase hit rates (1998)
    """
    if not 1 <= number <= of:
        message = f"there is no shard {number} of {of}: it must be from 1 to the number of shards"
        raise ValueError(message)
    return tuple(name for name in organizations if _shard_of(name, of) == number)


def _shard_of(organization: str, of: int) -> int:
    return max(range(1, of + 1), key=lambda number: blake2b(f"{number} {organization}".encode()).digest())
