"""What is made up follows from the seed, for each resource by itself, and stays the same from release to release."""

from __future__ import annotations

import hashlib
import json

import pytest

from contactship_async.sandbox import Sandbox
from contactship_async.sandbox._resources.organization import Organization

PINNED = [
    (0, "org-9145de05-b3ab-1b2c-df26-f51766faf989", "pn-b5816b74-a985-ab61-c5ad-f6816b10e53a", "8facc0c95e109457"),
    (1, "org-aa7c314b-f01d-bf29-1abb-8ba37e0ab2ed", "pn-7ff2e341-810d-2e30-4bcb-6b2263db01fc", "7d5bd8b094a61602"),
    (7, "org-fcf00fec-b91e-e9e5-efe0-9f07cefe2a1f", "pn-5d58c705-f979-d04a-f47a-ebdd597a1ecf", "964603a64d0b405e"),
    (2**64, "org-57830fef-e876-060d-ea78-1de524cff138", "pn-31c8fd67-d95d-e999-d5ba-205df95d7f38", "2cc8af39ae1fcb57"),
]


@pytest.mark.parametrize(("seed", "organization_id", "first_id", "digest"), PINNED)
def test_made_up_phone_numbers_stay(seed: int, organization_id: str, first_id: str, digest: str) -> None:
    """The organization's id and all phone numbers, those added later too, are those of the first release."""
    sandbox = Sandbox(300, seed=seed)
    for _ in range(3):
        sandbox.add_phone_number()
    sandbox.add_phone_number(type="inbound", created_at="2024-01-01T00:30:00Z")
    rows = [*sandbox.phone_numbers]

    assert (organization_id, first_id) == (sandbox.organization_id, rows[-1]["id"])
    assert digest == hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]


def test_one_resource_does_not_shift_another() -> None:
    """How many rows one resource has changes no made-up row of another."""
    few, many = Sandbox(3, tags=2), Sandbox(300, tags=50)
    for _ in range(3):
        many.phone_numbers.add()
        many.tags.add()

    assert few.tags == many.tags[-2:]
    assert few.phone_numbers == many.phone_numbers[-3:]
    assert few.organization_id == many.organization_id == few.tags[0]["organization_id"]


def test_streams_differ() -> None:
    """Each resource and each seed has random numbers of its own, the same ones each time."""
    resources = ("phone_numbers", "tags", "calls")

    def draw() -> list[float]:
        organizations = [Organization(seed, max_limit=1, count_follows_filter=True) for seed in (0, 1)]
        return [organization.random(name).random() for organization in organizations for name in resources]

    assert draw() == draw()
    assert 6 == len({*draw()})
