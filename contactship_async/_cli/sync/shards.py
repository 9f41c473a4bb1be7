"""The organizations of one of several machines, which share them out without talking to each other."""

from __future__ import annotations

import os
from collections.abc import Mapping

from attrs import field, frozen
from cyclopts import CycloptsError

from contactship_async._cli.sync.values import ShardOption
from contactship_async._cli.target import Target, variables_of
from contactship_async.sync import organizations_of_shard


@frozen(kw_only=True)
class ShardTarget(Target):
    """The target of a command of which other machines do a share.

    Args:
        shard: Only these of the organizations of the file, such as 2/5: the second of five shares. Each organization is
            in exactly one, so that five machines sync all of them, each with another share and with the keys of its
            own organizations alone. Goes with --to-env and --to-parquet.
    """

    shard: ShardOption = None
    variables: Mapping[str, str] = field(init=False)

    @variables.default
    def _read_share(self) -> Mapping[str, str]:
        if self.shard is None or self.organizations is None or self.sandbox:
            variables = self._read_variables()
            if self.shard is not None:
                message = "--shard is for many organizations, and goes with --organizations"
                raise CycloptsError(message)
            return variables
        variables = variables_of(self.organizations, with_keys=False)
        own = organizations_of_shard(variables, self.shard.number, self.shard.of)
        for name in own:
            if not os.environ.get(variables[name]):
                message = f"organization {name!r} of {self.organizations}: its environment variable is not set or empty"
                raise CycloptsError(message)
        return {name: variables[name] for name in own}
