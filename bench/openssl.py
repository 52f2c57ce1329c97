"""SM2 verification by the system's OpenSSL 3, called in process. A peer for benchmarks and a second opinion for tests.

``cryptography`` does not offer SM2 signatures, so libcrypto is called through ctypes; one call costs about a
microsecond more than from C, against some 200 microseconds of work.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Sequence
from typing import Any

_SPKI_PREFIX = bytes.fromhex(
    "3059301306072a8648ce3d020106082a811ccf5501822d034200"
)  # SubjectPublicKeyInfo up to 04 || x || y


class OpenSSL:
    """libcrypto's EVP interface, as far as SM2 needs it.

    Raises:
        OSError: no libcrypto 3 is on this machine, or it was built without SM2.
    """

    def __init__(self) -> None:
        name = ctypes.util.find_library("crypto")
        if name is None:
            raise OSError("no libcrypto found")
        self._lib = ctypes.CDLL(name)
        if not hasattr(self._lib, "OSSL_PROVIDER_load"):
            raise OSError(f"{name} is older than OpenSSL 3")
        pointer, integer, size = ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t
        for function, result, arguments in (
            ("OpenSSL_version", ctypes.c_char_p, (integer,)),
            ("d2i_PUBKEY", pointer, (pointer, ctypes.POINTER(ctypes.c_char_p), ctypes.c_long)),
            ("EVP_PKEY_free", None, (pointer,)),
            ("EVP_sm3", pointer, ()),
            ("EVP_MD_CTX_new", pointer, ()),
            ("EVP_MD_CTX_free", None, (pointer,)),
            ("EVP_PKEY_CTX_new", pointer, (pointer, pointer)),
            ("EVP_PKEY_CTX_free", None, (pointer,)),
            ("EVP_PKEY_CTX_set1_id", integer, (pointer, ctypes.c_char_p, integer)),
            ("EVP_MD_CTX_set_pkey_ctx", None, (pointer, pointer)),
            ("EVP_DigestVerifyInit", integer, (pointer, pointer, pointer, pointer, pointer)),
            ("EVP_DigestVerify", integer, (pointer, ctypes.c_char_p, size, ctypes.c_char_p, size)),
        ):
            try:
                found = getattr(self._lib, function)
            except AttributeError as error:
                raise OSError(f"{name} lacks {function}: built without SM2 or SM3") from error
            found.restype, found.argtypes = result, arguments
        self.version = self._lib.OpenSSL_version(0).decode()

    def load_keys(self, public_keys: Sequence[bytes]) -> Keys:
        """Parses 65-byte keys; free them with ``close()``."""
        return Keys(self._lib, public_keys)

    def verify_sm2(self, key: Any, signature: bytes, message: bytes, user_id: bytes) -> bool:
        """Whether a DER signature over `message` holds. `key` is one of :meth:`load_keys`."""
        lib = self._lib
        context, choice = lib.EVP_MD_CTX_new(), lib.EVP_PKEY_CTX_new(key, None)
        try:
            if not choice or lib.EVP_PKEY_CTX_set1_id(choice, user_id, len(user_id)) != 1:
                raise OSError("libcrypto does not take the SM2 identifier")
            lib.EVP_MD_CTX_set_pkey_ctx(context, choice)
            if lib.EVP_DigestVerifyInit(context, None, lib.EVP_sm3(), None, key) != 1:
                raise OSError("libcrypto does not take the SM2 key")
            return bool(lib.EVP_DigestVerify(context, signature, len(signature), message, len(message)) == 1)
        finally:
            lib.EVP_MD_CTX_free(context)
            lib.EVP_PKEY_CTX_free(choice)


class Keys:
    """Parsed keys, as a context manager."""

    def __init__(self, lib: Any, public_keys: Sequence[bytes]) -> None:
        self._lib = lib
        self.handles: list[Any] = []
        for public_key in public_keys:
            encoded = _SPKI_PREFIX + public_key
            place = ctypes.c_char_p(encoded)
            handle = lib.d2i_PUBKEY(None, ctypes.byref(place), len(encoded))
            if not handle:
                raise OSError("libcrypto does not take the SM2 key")
            self.handles.append(handle)

    def close(self) -> None:
        """Frees the keys."""
        while self.handles:
            self._lib.EVP_PKEY_free(self.handles.pop())

    def __enter__(self) -> Keys:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
