"""What an editor completes after `client.`: each option of each method, as jedi finds it without running anything."""

from __future__ import annotations

import inspect

import jedi
import pytest
from called_resources import RESOURCES

from contactship_async import ContactshipClient, Listing

SOURCE = "from contactship_async import ContactshipClient\nclient = ContactshipClient()\n"
WALK = [*inspect.signature(Listing.rows).parameters][1:]


def names_after(code: str) -> list[str]:
    """Return the public names that complete *code*, which ends with a dot."""
    script = jedi.Script(SOURCE + code)
    return [found.name for found in script.complete() if not found.name.startswith("_")]


def parameters_of(code: str) -> list[str]:
    """Return the parameters of the call that *code* begins."""
    [signature] = jedi.Script(SOURCE + code).get_signatures()
    return [parameter.name for parameter in signature.params]


def test_client_completes_its_resources() -> None:
    """Among a dozen names or so, and nothing that is not meant for users."""
    names = names_after("client.")

    assert {*RESOURCES, "list", "iter_phone_numbers", "close"} <= {*names}
    assert {name for name in dir(ContactshipClient) if not name.startswith("_")} == {*names}


@pytest.mark.parametrize("resource", RESOURCES)
def test_resource_completes_its_methods(resource: str) -> None:
    """Those, and no attribute of what makes it a property."""
    assert [name for name in dir(RESOURCES[resource]) if not name.startswith("_")] == names_after(f"client.{resource}.")


@pytest.mark.parametrize(
    ("code", "parameters"),
    [
        ("client.tags.list(", ["name", "label", "order"]),
        ("client.tags.update(", ["tag_id", "name", "color", "label"]),
        ("client.tags.list().rows(", WALK),
        ("client.phone_numbers.list().pages(", WALK),
        ("client.tags.list().prefetch(", WALK),
        ("client.tags.list().page(", ["limit", "offset"]),
        ("client.iter_phone_numbers(", ["type", "order", *WALK]),
        ("client.iter_phone_number_pages(", ["type", "order", *WALK]),
        ("client.list('/v1/tags').rows(", WALK),
    ],
)
def test_parameters(code: str, parameters: list[str]) -> None:
    """Filters and options are complete, and are what `inspect.signature` says."""
    assert parameters == parameters_of(code)


def test_rows_complete_their_fields() -> None:
    """In a loop over a listing, in one over the generator, and in one over what is fetched ahead."""
    loop = "async def main():\n    async for row in {}:\n        row."

    assert {"id", "name", "color", "to_dict"} <= {*names_after(loop.format("client.tags.list()"))}
    assert {"id", "phone_number", "to_dict"} <= {*names_after(loop.format("client.iter_phone_numbers()"))}

    ahead = (
        "async def main():\n    async with client.tags.list().prefetch() as ahead:\n        async for row in ahead:\n"
    )
    assert {"id", "name", "color", "to_dict"} <= {*names_after(f"{ahead}            row.")}
