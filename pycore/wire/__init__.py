"""The API's protobuf on one side, the library's values on the other: what service and clients share.

messages.py  columns, verdicts, trees, reports and capabilities as messages, and back
"""
