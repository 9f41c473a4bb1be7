"""What the methods of resources return: one module for each resource, and what all share.

- `contactship_async.models.agents`: `Agent` and `Voice`
- `contactship_async.models.calls`: `Call`, `LiveCall`, `PlacedCall`, and what they hold
- `contactship_async.models.channels`: `Channel`
- `contactship_async.models.contact_import`: `ContactInput`, `ImportedContact`
- `contactship_async.models.contacts`: `Contact`, `ContactField`, `ContactComment`, `ContactCallHistory`, and what it
  holds
- `contactship_async.models.credits`: `CreditBalance`
- `contactship_async.models.events`: `Event` and what it holds, `SentEvents`, `IdentifiedSession`
- `contactship_async.models.messages`: `Message`
- `contactship_async.models.phone_numbers`: `PhoneNumber`
- `contactship_async.models.tags`: `Tag`
- `contactship_async.models.tasks`: `Task`, and `TaskFilter` for its listing
- `contactship_async.models.threads`: `Thread`
- `contactship_async.models.webhooks`: what `contactship_async.webhooks` reads
- `contactship_async.models.whatsapp`: `SentMessage`, `Template`, and what templates are filled in with
- `contactship_async.models.common`: `Page`, and what models are made of
"""
