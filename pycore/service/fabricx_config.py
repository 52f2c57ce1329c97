"""Settings of the Fabric-X verifier: named as in the committer's verifier.yaml where it has them.

Each is an option of `pycore serve --fabric-x`, an environment variable PYCORE_FABRICX_..., and a key of the
configuration file (TOML or JSON).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from pycore.service.config import MIB, is_loopback, sources_of

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")


def seconds(given: object) -> object:
    """Seconds of a duration as Go writes it; numbers are seconds.

    >>> seconds("1m0.5s"), seconds("10ms"), seconds(2)
    (60.5, 0.01, 2)
    """
    if not isinstance(given, str) or not given:
        return given
    parts = _PART.findall(given)
    if "".join(number + unit for number, unit in parts) == given:
        return sum(float(number) * _UNITS[unit] for number, unit in parts)
    return given


Duration = Annotated[float, BeforeValidator(seconds)]


class FabricXConfig(BaseSettings):
    """Every setting of the Fabric-X verifier.

    >>> FabricXConfig(fabric_x="127.0.0.1:0").batch_size_cutoff
    50
    """

    model_config = SettingsConfigDict(env_prefix="PYCORE_FABRICX_", extra="forbid", frozen=True)

    config_file: Path | None = Field(None, description="TOML or JSON file with any of these settings")
    fabric_x: str = Field("127.0.0.1:5001", description="server.endpoint: host:port that coordinators connect to")
    monitoring_endpoint: str | None = Field(None, description="monitoring.endpoint: host:port of /metrics; off without")
    insecure_non_loopback: bool = Field(False, description="serve other machines without TLS")

    tls_mode: str = Field(
        "none",
        pattern="^(none|tls|mtls)$",
        description="server.tls.mode: none, tls or mtls",
        json_schema_extra={"wanted": "none, tls or mtls"},
    )
    cert_path: Path | None = Field(None, description="server.tls.cert-path: PEM chain of the server")
    key_path: Path | None = Field(None, description="server.tls.key-path: PEM key of the server")
    ca_cert_path: Path | None = Field(None, description="server.tls.ca-cert-paths: PEM roots of client certificates")

    batch_size_cutoff: int = Field(50, ge=1, le=1 << 20, description="statuses of one answer")
    batch_time_cutoff: Duration = Field(0.5, gt=0, description="longest wait of a status for others, as in 10ms")
    channel_buffer_size: int = Field(50, ge=1, le=1 << 16, description="messages of one stream that are read ahead")
    parallelism: int | None = Field(None, ge=1, description="threads of one verification; default: as in-process")
    max_concurrent_streams: int = Field(256, ge=1, le=1 << 16, description="streams open at once")

    committer: str = Field(
        "1.0",
        pattern="^(1.0|main)$",
        description="whose system namespaces: 1.0 (releases) or main",
        json_schema_extra={"wanted": "1.0 or main"},
    )
    max_message_bytes: int = Field(100 * MIB, ge=1024, le=(1 << 31) - 1, description="largest message of a coordinator")
    max_stream_bytes: int = Field(
        64 * MIB, ge=1024, description="messages and answers of one stream that wait, in bytes"
    )
    drain_delay: Duration = Field(0.25, ge=0, description="between health NOT_SERVING and the end of streams")
    drain_grace: Duration = Field(30.0, ge=0, description="for what was read to be answered")
    log_level: str = Field(
        "info",
        pattern="^(?i:debug|info|warning|error)$",
        description="debug, info, warning, error",
        json_schema_extra={"wanted": "debug, info, warning or error"},
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments before environment before file."""
        return sources_of(settings_cls, init_settings, env_settings, "PYCORE_FABRICX_CONFIG_FILE")

    @model_validator(mode="after")
    def _check(self) -> FabricXConfig:
        if self.tls_mode != "none" and (self.cert_path is None or self.key_path is None):
            raise ValueError(f"tls_mode {self.tls_mode} needs cert_path and key_path")
        if (self.tls_mode == "mtls") != (self.ca_cert_path is not None):
            raise ValueError("ca_cert_path belongs to tls_mode mtls: set both or neither")
        if self.tls_mode == "none" and not self.insecure_non_loopback and not is_loopback(self.fabric_x, "fabric_x"):
            raise ValueError(
                f"fabric_x {self.fabric_x} can be reached from other machines: set tls_mode, cert_path and key_path, "
                "or insecure_non_loopback if something else protects it"
            )
        return self

    @property
    def address(self) -> str:
        """Where it listens."""
        return self.fabric_x

    @property
    def tls(self) -> bool:
        """Whether it speaks TLS."""
        return self.tls_mode != "none"

    @property
    def tls_certificate(self) -> Path | None:
        """As :mod:`pycore.service.tls` names it."""
        return self.cert_path if self.tls else None

    @property
    def tls_private_key(self) -> Path | None:
        """As :mod:`pycore.service.tls` names it."""
        return self.key_path if self.tls else None

    @property
    def tls_client_ca(self) -> Path | None:
        """As :mod:`pycore.service.tls` names it."""
        return self.ca_cert_path
