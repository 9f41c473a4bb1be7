"""Random hostile responses: what the codec, the headers' readers, the protocol and the client make of them.

From the root of the project, with the extra `test` installed,

    PYTHONPATH=tests/support python -m fuzzing 10

fuzzes all targets for 10 minutes, each time with seeds of its own, and prints a line for each round: target, inputs so
far, inputs per second. `python -m fuzzing 10 codec` fuzzes one. The targets:

- `codec`: bytes as a page and as a row, on both paths;
- `headers`: `Retry-After`, `Date` and the `X-RateLimit-` headers;
- `responses`: a response as a page, as JSON and as an error;
- `client`: calls and walks of the public client, and of a pool, whatever the server sends back;
- `webhooks`: bodies that are posted to an app, to all readers.

What must hold is in `laws.py`, what the inputs are like in `inputs.py`. Nothing but `ContactshipError` may escape.

The first input that breaks a law ends the run with exit code 1. It is shrunk, printed, and kept as a file under
`corpus/<target>/`: commit it together with the fix. The files there are always tried first, in the test suite too, and
other inputs are made by mutation of them. A file of `codec` or `webhooks` is the bytes themselves; the others are JSON,
in which the text of a body stands for its bytes (Latin-1). To add one by hand, give it a name that says what is in it.
"""
