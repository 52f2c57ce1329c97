"""The MSPs of a Fabric channel, from its configuration.

Sources: ``common/channelconfig`` of Fabric, as read in public copies.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from google.protobuf.message import DecodeError

from pycore._pb.ledgers.fabric.v1.configuration_pb2 import Capabilities, ConfigGroup
from pycore._pb.ledgers.fabric.v1.membership_pb2 import FabricMSPConfig, MSPConfig
from pycore.base.go_protobuf import read
from pycore.identities.msp import Msp, MspError, Msps

FABRIC = 0
"""The type of X.509 MSPs; Idemix has 1."""
MAX_MSPS = 1024
"""MSPs of a channel."""

_LEVELS = (("v3.0", {"V3_0"}), ("v1.4.3", {"V1_4_3", "V2_0"}), ("v1.3", {"V1_3", "V1_4_2"}), ("v1.1", {"V1_1"}))


def capabilities(group: ConfigGroup) -> frozenset[str]:
    """The names of a group's capabilities; none where it has no such value. Raises MspError."""
    if "Capabilities" not in group.values:
        return frozenset()
    try:
        return frozenset(read(Capabilities, group.values["Capabilities"].value).capabilities)
    except DecodeError:
        raise MspError("capabilities that are no such message") from None


def msp_level(names: Iterable[str]) -> str:
    """The level of MSPs by the channel group's capabilities: the highest that any of them asks for."""
    given = frozenset(names)
    return next((level for level, wanted in _LEVELS if given & wanted), "v1.0")


def msps_of(
    group: ConfigGroup, *, rules: str = "strict", sections: Iterable[str] = ("Application", "Orderer"), gm: bool = False
) -> Msps:
    """The MSPs of a channel.

    group      the channel's ConfigGroup
    rules, gm  as of :class:`pycore.identities.msp.Msp`
    sections   groups whose organisations have MSPs

    MSPs of other types than X.509 (Idemix) are `unread`: nobody of them can be judged. Raises MspError: an MSP that
    cannot be made, two of one name, more than MAX_MSPS.
    """
    level = msp_level(capabilities(group))
    messages = list(_configs(group, sections))
    configs = list(dict.fromkeys(message.config for message in messages if message.type == FABRIC))
    unread = {_name(message): f"it is of type {message.type}" for message in messages if message.type != FABRIC}
    if len(configs) > MAX_MSPS:
        raise MspError(f"{len(configs)} MSPs, more than the {MAX_MSPS} that are read")
    return Msps([Msp(config, level=level, rules=rules, gm=gm) for config in configs], unread)


def msp_names(group: ConfigGroup, section: str) -> list[str]:
    """Names of the MSPs of a section's organisations, one for each of these. Raises MspError."""
    return [_name(message) for message in _configs(group, [section])]


def _configs(group: ConfigGroup, sections: Iterable[str]) -> Iterator[MSPConfig]:
    for section in sections:
        if section not in group.groups:
            continue
        for name, organisation in sorted(group.groups[section].groups.items()):
            # One without an MSP has an empty one, from which Fabric makes none either.
            yield _config(name, organisation.values["MSP"].value if "MSP" in organisation.values else b"")


def _config(name: str, data: bytes) -> MSPConfig:
    try:
        return read(MSPConfig, data)
    except DecodeError:
        raise MspError(f"the MSP of the organisation {name[:80]!r} is no MSPConfig") from None


def _name(message: MSPConfig) -> str:
    """The name of an MSP of another type: the first field of every such configuration."""
    try:
        return str(read(FabricMSPConfig, message.config).name)
    except DecodeError:
        return ""
