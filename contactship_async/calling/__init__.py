"""Calling many, once each: a file of contacts, a journal of what became of each, and the run that calls them.

    caller = Caller("agent-7", from_number="+12025550142")
    with Journal(Path("calls.db")) as journal, Path("contacts.csv").open("rb") as file:
        header, rows = read_contacts(file)
        journal.take(caller, header, rows, print)
        async with ContactshipClient() as client:
            await Run(client, journal, caller, pace=Pace(max_live=5)).run()
        print(journal.count())

The command `contactship calls make --from-file` is made of it.
"""

from contactship_async.calling._contacts import Contact, Header, read_contacts
from contactship_async.calling._database import JournalError
from contactship_async.calling._entries import Caller, Line, Outcome, Result
from contactship_async.calling._hours import Hours
from contactship_async.calling._journal import Journal
from contactship_async.calling._runner import Pace, Run, Watch
from contactship_async.contact_files import ContactFileError, Remark

__all__ = [
    "Caller",
    "Contact",
    "ContactFileError",
    "Header",
    "Hours",
    "Journal",
    "JournalError",
    "Line",
    "Outcome",
    "Pace",
    "Remark",
    "Result",
    "Run",
    "Watch",
    "read_contacts",
]
