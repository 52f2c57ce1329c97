"""The API's protobuf on one side, the library's values on the other: what service and clients share.

schema.py        the messages and methods; the one place where their generated code is imported
columns.py       columns, numbers and verdicts
reports.py       reports of blocks
capabilities.py  what a service can do
errors.py        exceptions as gRPC status with google.rpc details
refusals.py      why a service does not take a call that is well formed
settings.py      what one request, and all requests together, may hold
count.py         counts the items of a large request before it is parsed
"""
