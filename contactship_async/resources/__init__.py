"""The resources of the API: one module for each, with the methods of `client.tags` and its like.

- `contactship_async.resources.calls`: `client.calls`
- `contactship_async.resources.channels`: `client.channels`
- `contactship_async.resources.credits`: `client.credits`
- `contactship_async.resources.phone_numbers`: `client.phone_numbers`
- `contactship_async.resources.tags`: `client.tags`
"""
