"""What protobuf's descriptors say, whichever of the supported versions of the library is installed."""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor import FieldDescriptor

__all__ = ["is_repeated"]

_HAS_PROPERTY = hasattr(FieldDescriptor, "is_repeated")  # since 6.31; `label` says the same, and is deprecated there


def is_repeated(field: FieldDescriptor) -> bool:
    """Whether a field is a list or a map.

    >>> from google.protobuf.descriptor_pb2 import FileDescriptorProto
    >>> [is_repeated(FileDescriptorProto.DESCRIPTOR.fields_by_name[name]) for name in ("name", "dependency")]
    [False, True]
    """
    if _HAS_PROPERTY:
        return bool(field.is_repeated)
    older: Any = field
    return bool(older.label == older.LABEL_REPEATED)
