"""Which commands there are: lists, so that `--help` does without the client, which takes time to import."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

RESOURCES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "phone_numbers": "The phone numbers of the organization.",
        "tags": "The tags that the organization puts on its contacts.",
        "calls": "The calls of the organization, by its agents.",
        "channels": "The channels over which the organization exchanges messages.",
        "credits": "What the organization has left to spend.",
        "contacts": "The people that the organization calls and writes to.",
        "agents": "The AI agents of the organization, and the voices that they can have.",
        "tasks": "What people and agents of the organization have to do; an add-on.",
        "threads": "The conversations with contacts over channels.",
        "messages": "The messages in threads.",
        "whatsapp": "Messages over WhatsApp, and the templates for them.",
    }
)
"""What the client says about each, by its attribute there; a test holds it to the resources of the client."""

OWN_COMMANDS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "calls": {
            "journal": "contactship_async._cli.calls.from_file:journal",
            "make": "contactship_async._cli.calls.make:make",
            "stop": "contactship_async._cli.calls.stop:stop",
            "watch": "contactship_async._cli.calls.watch:watch",
        },
        "contacts": {
            "import": "contactship_async._cli.contacts.command:import_",
        },
    }
)
"""Where the commands of a resource are that are not derived from its methods, by their names."""

KEY: Final = """The environment variable CONTACTSHIP_API_KEY holds the key, and CONTACTSHIP_BASE_URL may hold another
server. There is no option for the key: it would stay in the history of your shell, and other users could see it among
the running processes."""
"""What the help of each command says about the key."""

HELPS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "api": """Call any endpoint of the API, and print what comes back.

JSON is indented at a terminal; elsewhere the body comes as it was sent, whatever it is. A call that may dial, send or
spend, which is any but GET and HEAD, asks first at a terminal, and needs --yes elsewhere. The environment
variable CONTACTSHIP_API_KEY holds the key.""",
        "sandbox": """Serve a pretend Contactship on this machine, until Ctrl-C.

It prints lines that point a shell to the sandbox, and so every client started there: redirect them to a file, and
read that with `source` in another terminal. Each request is logged to standard error. What is served is described
at /openapi.json, and by --openapi without a server.""",
        "sync": f"""Keep a copy of listings in a database, with their history.

contactship sync phone-numbers calls tags --to contactship.duckdb

contactship sync phone-numbers calls --to-env DATABASE_URL --organizations organizations.toml

contactship sync --status --to contactship.duckdb

Each listing of each organization is walked to its proven end, and then applied wholly or not at all: rows that are new
or changed become new versions, and rows that are gone are retired, not deleted. Whatever fails leaves that listing as
it was, and keeps no other from being synced. Run it as often as you like, by cron say.

{KEY}""",
    }
)
"""The help of each command that is of no resource; the list of commands has the first line."""
