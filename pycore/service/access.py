"""The access file: which clients there are, how they are known, and what each may do.

    [[clients]]
    name = "node-7"
    certificates = ["spiffe://example.org/node-7", "dns:node7.example.org", "cn:node7"]   any one is enough
    uids = [1000]                                           users of this host, on the same-host lane
    token_files = ["/run/secrets/node-7.token"]             one token a line; read again when it changes
    token_environment = ["NODE_7_TOKEN"]                    names of environment variables
    token_subjects = ["node-7"]                             `sub` of signed tokens of the issuers below
    rpcs = ["VerifySignature*", "ValidateBlock*"]           names or patterns; without it none
    chains = ["chainmaker"]                                 without it all
    items_per_second = 200000
    bytes_per_second = 50000000
    calls = 64                                              open at once, streams included
    highest_priority = "transactions"                       without it `votes`: no call of it is served before these

    [[issuers]]                                             signed tokens (RFC 7519); needs the extra `jwt`
    issuer = "https://login.example.org"
    audience = "pycore"
    keys_file = "/etc/pycore/issuer.pem"                    public key, PEM
    algorithm = "ES256"                                     an asymmetric one of RFC 7518 or RFC 8037

A file that is wrong anywhere is refused as a whole, and a running service keeps the one it has. No secret is in it:
tokens come from files or the environment, and are kept as SHA-256 digests. Who fits no client is refused; who fits two,
by a certificate and by a token, is refused as well.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from pycore import ledgers
from pycore.service.callers import Caller, Quota
from pycore.service.faults import faults, meant
from pycore.service.priorities import Priority
from pycore.service.tls import readable_by_all
from pycore.wire.refusals import DeniedError
from pycore.wire.schema import METHODS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found,unused-ignore]

__all__ = ["AccessError", "AccessFile", "Clients", "access_warnings", "read_access", "watched_files"]

_MIN_TOKEN = 16  # characters
_MAX_TOKEN = 8192
_MAX_FILE = 4 << 20
_KINDS = ("spiffe://", "uri:", "dns:", "cn:")
_LEEWAY_S = 30
_EVERYBODY_ELSE = 65534  # what the kernel shows of users that another namespace has and this one has not
_NO_UID = (1 << 32) - 1
_UNKNOWN = "the caller is not known: wanted a client certificate or a bearer token of the access file"

Algorithm = Literal["ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "EdDSA"]


class AccessError(ValueError):
    """An access file, or a file that it names, that cannot be used; which and why, in words."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Client(_Strict):
    """One entry under `clients`."""

    name: str = Field(min_length=1, max_length=128)
    certificates: tuple[str, ...] = ()
    uids: tuple[int, ...] = ()
    token_files: tuple[Path, ...] = ()
    token_environment: tuple[str, ...] = ()
    token_subjects: tuple[str, ...] = ()
    rpcs: tuple[str, ...] = ()
    chains: tuple[str, ...] | None = None
    items_per_second: float | None = Field(None, gt=0)
    bytes_per_second: float | None = Field(None, gt=0)
    calls: int | None = Field(None, ge=1)
    highest_priority: Literal["votes", "transactions", "audits"] = "votes"

    @field_validator("certificates")
    @classmethod
    def _known_kinds(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for name in given:
            if not name.startswith(_KINDS) or name in _KINDS:
                raise ValueError(f"{name!r}: wanted spiffe://..., uri:..., dns:... or cn:...")
        return given

    @field_validator("uids")
    @classmethod
    def _users_of_this_host(cls, given: tuple[int, ...]) -> tuple[int, ...]:
        for uid in given:
            if not 0 <= uid < _NO_UID or uid == _EVERYBODY_ELSE:
                raise ValueError(
                    f"{uid}: wanted the number of one user; {_EVERYBODY_ELSE} is whoever has no number here"
                )
        return given

    @field_validator("rpcs")
    @classmethod
    def _known_rpcs(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in given:
            if not any(fnmatch.fnmatchcase(name, pattern) for name in METHODS):
                raise ValueError(_no_such(f"{pattern!r} fits no RPC", pattern, sorted(METHODS)))
        return given

    @field_validator("chains")
    @classmethod
    def _known_chains(cls, given: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for name in given or ():
            if name not in ledgers.names():
                raise ValueError(_no_such(f"{name!r} is no chain", name, sorted(ledgers.names())))
        return given

    @model_validator(mode="after")
    def _can_be_known(self) -> Client:
        if not (self.certificates or self.uids or self.token_files or self.token_environment or self.token_subjects):
            raise ValueError("it has neither certificates, nor uids, nor tokens, so nobody can be it")
        return self


def _no_such(words: str, name: str, known: Sequence[str]) -> str:
    question = meant(name, known)
    return f"{words}: there are {', '.join(known)}{'; ' * bool(question)}{question}"


class Issuer(_Strict):
    """One entry under `issuers`."""

    issuer: str = Field(min_length=1)
    audience: str = Field(min_length=1)
    keys_file: Path
    algorithm: Algorithm


class AccessFile(_Strict):
    """The document."""

    clients: tuple[Client, ...] = Field(min_length=1)
    issuers: tuple[Issuer, ...] = ()

    @model_validator(mode="after")
    def _unambiguous(self) -> AccessFile:
        for what in ("name", "certificates", "uids", "token_subjects"):
            seen: dict[object, str] = {}
            for client in self.clients:
                given = getattr(client, what)
                for value in (given,) if isinstance(given, str) else given:
                    if value in seen:
                        raise ValueError(f"{what}: {value!r} occurs twice")
                    seen[value] = client.name
        if any(client.token_subjects for client in self.clients) and not self.issuers:
            raise ValueError("token_subjects need issuers")
        return self


class Clients:
    """The clients of an access file, with what each has used so far. Belongs to one event loop.

    Raises:
        AccessError: a file that the document names cannot be used, or two clients have one token.
    """

    def __init__(
        self,
        document: AccessFile,
        *,
        clock: Callable[[], float] = time.monotonic,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self._by_certificate: dict[str, Caller] = {}
        self._by_token: dict[bytes, Caller] = {}
        self._by_subject: dict[str, Caller] = {}
        self.callers: dict[str, Caller] = {}
        for client in document.clients:
            caller = _caller(client, clock)
            self.callers[client.name] = caller
            self._by_certificate.update(dict.fromkeys(client.certificates, caller))
            self._by_certificate.update({f"uid:{uid}": caller for uid in client.uids})  # no name of a certificate
            self._by_subject.update(dict.fromkeys(client.token_subjects, caller))
            for token in _tokens(client, environment):
                digest = hashlib.sha256(token.encode()).digest()
                if self._by_token.setdefault(digest, caller) is not caller:
                    raise AccessError(f"{client.name!r} and {self._by_token[digest].name!r} have the same token")
        self._issuers = [_issuer(issuer) for issuer in document.issuers]

    def go_on_from(self, before: Clients) -> None:
        """Takes over what clients that were there before have open and have used up."""
        for name, caller in self.callers.items():
            if name in before.callers:
                caller.go_on_from(before.callers[name])

    @property
    def take_users(self) -> bool:
        """Whether any client is known by a user of this host."""
        return any(name.startswith("uid:") for name in self._by_certificate)

    @property
    def take_tokens(self) -> bool:
        """Whether any client is known by a token."""
        return bool(self._by_token or self._by_subject)

    def identify(self, certificate: Sequence[str], authorization: str | None) -> Caller:
        """The client that a call comes from.

        Args:
            certificate: the names of the client's verified certificate, as the access file writes them.
            authorization: the value of the call's `authorization`, None without one.

        Raises:
            DeniedError: no client, or two.
        """
        found = {id(caller): caller for name in certificate if (caller := self._by_certificate.get(name)) is not None}
        if authorization is not None:  # a token that is wrong is never made up for by a certificate
            caller = self._of_token(authorization)
            found[id(caller)] = caller
        if not found:
            raise DeniedError(_UNKNOWN, "UNKNOWN_CALLER", known=False)
        if len(found) > 1:
            names = " and ".join(sorted(repr(caller.name) for caller in found.values()))
            raise DeniedError(f"the call comes from {names}: wanted one client", "TWO_CALLERS", known=False)
        return next(iter(found.values()))

    def _of_token(self, authorization: str) -> Caller:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token or len(token) > _MAX_TOKEN:
            raise DeniedError("authorization: wanted `Bearer` and a token", "MALFORMED_TOKEN", known=False)
        caller = self._by_token.get(hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest())
        if caller is None and self._issuers:
            caller = self._by_subject.get(self._subject(token))
        if caller is None:
            raise DeniedError("authorization: the token is no client's", "UNKNOWN_TOKEN", known=False)
        return caller

    def _subject(self, token: str) -> str:
        """The subject of a signed token; DeniedError with why it does not hold."""
        reasons = []
        for check in self._issuers:
            subject, why = check(token)
            if subject is not None:
                return subject
            reasons.append(why)
        why = next(filter(None, reasons), "no issuer of the access file signed it")
        raise DeniedError(f"authorization: {why[:200]}", "BAD_SIGNED_TOKEN", known=False)


def read_access(path: Path) -> AccessFile:
    """The document of a TOML or JSON file. AccessError where it is not one."""
    try:
        raw = path.read_bytes()
        if len(raw) > _MAX_FILE:
            raise AccessError(f"{path}: {len(raw)} bytes, wanted at most {_MAX_FILE}")
        text = raw.decode()
        document = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, tomllib.TOMLDecodeError) as error:
        raise AccessError(f"{path}: {error}") from None
    try:
        return AccessFile.model_validate(document)
    except ValidationError as error:
        raise AccessError(f"{path}: {faults(error, AccessFile, document)}") from None


def access_warnings(document: AccessFile) -> list[str]:
    """Entries that are allowed and hardly meant: clients that may call nothing, and tokens that everybody can read."""
    idle = [f"client {one.name!r} has no rpcs, so it may call nothing" for one in document.clients if not one.rpcs]
    return idle + [
        f"token file {path} of client {client.name!r} can be read by everybody: take that right away"
        for client in document.clients
        for path in client.token_files
        if readable_by_all(path)
    ]


def watched_files(path: Path, document: AccessFile) -> list[Path]:
    """The files whose change means that the access file is to be read again."""
    tokens = [name for client in document.clients for name in client.token_files]
    return [path, *tokens, *(issuer.keys_file for issuer in document.issuers)]


def _caller(client: Client, clock: Callable[[], float]) -> Caller:
    """The caller of an entry."""
    chains = None if client.chains is None else frozenset(client.chains)
    quota = Quota(client.items_per_second, client.bytes_per_second, client.calls)
    return Caller(client.name, client.rpcs, chains, quota, clock, Priority[client.highest_priority.upper()])


def _tokens(client: Client, environment: Mapping[str, str]) -> list[str]:
    """The tokens of a client, checked."""
    found = []
    for path in client.token_files:
        try:
            lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
        except (OSError, UnicodeDecodeError) as error:
            raise AccessError(f"token file of {client.name!r}: {error}") from None
        given = [line for line in lines if line and not line.startswith("#")]
        if not given:
            raise AccessError(f"token file of {client.name!r}: {path} has no token")
        found += given
    for name in client.token_environment:
        if not environment.get(name):
            raise AccessError(f"token of {client.name!r}: the environment variable {name} is not set")
        found.append(environment[name])
    for token in found:
        if not _MIN_TOKEN <= len(token) <= _MAX_TOKEN or not token.isascii() or " " in token:
            raise AccessError(
                f"a token of {client.name!r} has {len(token)} characters, wanted {_MIN_TOKEN} to {_MAX_TOKEN} of ASCII "
                "without spaces"
            )
    return found


def _tokens_library() -> Any:
    try:
        import jwt
    except ImportError:
        raise AccessError("issuers need the extra: pip install 'pycore-validation[jwt]'") from None
    return jwt


_Checked = tuple["str | None", str]
_NOT_ITS_OWN = ("InvalidSignatureError", "InvalidIssuerError", "InvalidAlgorithmError")


def _issuer(issuer: Issuer) -> Callable[[str], _Checked]:
    """The check of one issuer's tokens: the subject, or None and why, empty where the token may be another issuer's."""
    library = _tokens_library()
    try:
        key = issuer.keys_file.read_bytes()
        if b"PRIVATE KEY" in key:
            raise AccessError(f"keys_file {issuer.keys_file} has a private key, wanted a public one")
        key = library.get_algorithm_by_name(issuer.algorithm).prepare_key(key)
    except AccessError:
        raise
    except Exception as error:
        raise AccessError(f"keys_file of {issuer.issuer!r}: {error}") from None

    def check(token: str) -> _Checked:
        try:
            claims = library.decode(
                token,
                key,
                algorithms=[issuer.algorithm],
                audience=issuer.audience,
                issuer=issuer.issuer,
                leeway=_LEEWAY_S,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except library.PyJWTError as error:
            return None, "" if type(error).__name__ in _NOT_ITS_OWN else str(error)
        except (
            TypeError,
            ValueError,
            OverflowError,
        ) as error:  # of claims that are of another type, as PyJWT 2.10 has it
            return None, f"a claim of the token cannot be read: {error}"
        return str(claims["sub"]), ""

    return check
