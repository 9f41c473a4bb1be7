"""A reader of the sandbox's description that is none of ours: openapi-python-client, whose client calls each operation.

Run it in a virtual environment that has contactship_async and openapi-python-client, which nothing else needs:

    python tests/support/generated_client.py

Source: https://github.com/openapi-generators/openapi-python-client
"""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, get_args

from attrs import frozen

from contactship_async.sandbox import Sandbox
from contactship_async.sandbox._api.envelopes import Envelope

GENERATOR: Final = Path(sys.executable).with_name("openapi-python-client")

CONFIGURATION: Final = "content_type_overrides:\n  audio/wav: application/octet-stream\npost_hooks: []\n"
"""A recording is a file, which the generator has to be told. Its hooks would need a ruff on the path."""

NEW: Final[Mapping[str, Mapping[str, str]]] = {
    "createTag": {"name": "new"},
    "updateTag": {"name": "renamed"},
    "createContact": {"phone_number": "+14155550198"},
    "updateContact": {"phone_number": "+14155550197"},
}
"""What must be new in a body, by the operation."""


@frozen
class Operation:
    """One operation of the description.

    Args:
        name: Its `operationId`.
        method: Lower case.
        path: With identifiers in braces.
        description: Of all else.
    """

    name: str
    method: str
    path: str
    description: Mapping[str, Any]

    def arguments(self, known: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        """Yield the identifiers in the path, and the required parameters of the query."""
        for parameter in self.description.get("parameters", ()):
            if parameter["required"]:
                yield _snake_case(parameter["name"]), known[parameter["name"]]

    def body(self, known: Mapping[str, str]) -> dict[str, Any] | None:
        """Return the example of a body, with what is known; None for an operation without one."""
        if "requestBody" not in self.description:
            return None
        example = self.description["requestBody"]["content"]["application/json"]["example"]
        replaced = {name: value for name, value in {**known, **NEW.get(self.name, {})}.items() if name in example}
        return {**example, **replaced}


def read_operations(document: Mapping[str, Any]) -> list[Operation]:
    """Return the operations of the API, those that delete last, and what is within something before that."""
    operations = [
        Operation(operation["operationId"], method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if "security" not in operation
    ]
    return sorted(operations, key=lambda one: (one.method == "delete", -len(one.path) * (one.method == "delete")))


def find_known(sandbox: Sandbox) -> dict[str, str]:
    """Return what stands for identifiers, by the names that paths, queries and bodies have for them."""
    number, contact, agent = sandbox.phone_numbers[0], sandbox.contacts[0]["id"], sandbox.agents[0]["id"]
    channel = next(channel["id"] for channel in sandbox.channels if channel["status"] == "active")
    thread = sandbox.threads.add(channel_id=channel, contact_id=contact)["id"]
    return {
        "agentId": agent,
        "agent_id": agent,
        "channel_id": channel,
        "callId": sandbox.calls[0]["id"],
        "contactId": contact,
        "contact_id": contact,
        "from_number": number["phone_number"],
        "from_number_id": number["id"],
        "id": sandbox.tasks[0]["id"],
        "identifier": contact,
        "messageId": sandbox.messages.add(thread_id=thread)["id"],
        "tagId": sandbox.tags[0]["id"],
        "threadId": thread,
        "thread_id": thread,
    }


def generate(document: Mapping[str, Any], folder: Path, package: str) -> Any:
    """Generate a client, without a warning, and import it."""
    (folder / "openapi.json").write_text(json.dumps(document))
    (folder / "configuration.yml").write_text(CONFIGURATION)
    options = ["--meta", "none", "--fail-on-warning", "--config", "configuration.yml", "--output-path", package]
    command = [str(GENERATOR), "generate", "--path", "openapi.json", *options]
    subprocess.run(command, cwd=folder, check=True)  # noqa: S603 - its own words
    return import_module(package)


def find_function(package: str, operation: Operation) -> Callable[..., Any]:
    """Return the function of the generated client that calls an operation."""
    [tag] = operation.description["tags"]
    folder = _snake_case(tag) + ("_" if tag == "Credits" else "")  # not to hide the built-in of that name
    module = import_module(f"{package}.api.{folder}.{_snake_case(operation.name)}")
    function: Callable[..., Any] = module.sync_detailed
    return function


def call(operation: Operation, package: str, client: object, known: Mapping[str, str]) -> None:
    """Call an operation, and compare what the models have read with what came."""
    function = find_function(package, operation)
    arguments: dict[str, Any] = dict(operation.arguments(known))
    if (body := operation.body(known)) is not None:
        model = inspect.signature(function).parameters["body"].annotation
        arguments["body"] = model.from_dict(body)
    response = function(client=client, **arguments)
    [expected] = [int(status) for status in operation.description["responses"] if status < "300"]

    assert (operation.name, expected) == (operation.name, response.status_code), response.content
    came = json.loads(response.content) if response.content else None
    assert (operation.name, came) == (operation.name, _show(response.parsed))


def _show(parsed: Any) -> Any:
    """Return what a model has read as it is in JSON."""
    if isinstance(parsed, list):
        return [_show(item) for item in parsed]
    shown = parsed.to_dict() if hasattr(parsed, "to_dict") else parsed
    return json.loads(json.dumps(shown).replace("+00:00", "Z"))


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])|[ -]", "_", name).lower()


def main() -> None:
    """Generate a client of each envelope, and call each operation with it."""
    with TemporaryDirectory() as name:
        sys.path.insert(0, name)
        for envelope in get_args(Envelope):
            package = f"client_of_{envelope}"
            with Sandbox(envelope=envelope) as sandbox:
                document = sandbox.openapi()
                generated = generate(document, Path(name), package)
                client = generated.AuthenticatedClient(
                    base_url=sandbox.url,
                    token=sandbox.api_key,
                    prefix="",
                    auth_header_name="x-api-key",
                    raise_on_unexpected_status=True,
                )
                operations, known = read_operations(document), find_known(sandbox)
                for operation in operations:
                    call(operation, package, client, known)
            print(f"{len(operations)} operations in the envelope {envelope}")  # noqa: T201 - for the gate's log


if __name__ == "__main__":
    main()
