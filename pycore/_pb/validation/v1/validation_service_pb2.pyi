from pycore._pb.validation.v1 import block_pb2 as _block_pb2
from pycore._pb.validation.v1 import bundle_pb2 as _bundle_pb2
from pycore._pb.validation.v1 import capability_pb2 as _capability_pb2
from pycore._pb.validation.v1 import consensus_pb2 as _consensus_pb2
from pycore._pb.validation.v1 import hash_pb2 as _hash_pb2
from pycore._pb.validation.v1 import ics23_pb2 as _ics23_pb2
from pycore._pb.validation.v1 import merkle_pb2 as _merkle_pb2
from pycore._pb.validation.v1 import signature_pb2 as _signature_pb2
from pycore._pb.validation.v1 import votes_pb2 as _votes_pb2
from google.protobuf import descriptor as _descriptor
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor
