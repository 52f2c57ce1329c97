"""The work of ``pycore cosmos light``: a light client whose nodes are folders with a node's answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pycore.errors import AttackDetected, InputError, LightClientError

from ._cosmos import CHAIN, counted, show_checks, shown_time
from ._output import hex_bytes, note, print_json, printable

if TYPE_CHECKING:
    from pycore.client import ValidationClient
    from pycore.consensus import LightBlock
    from pycore.consensus.light import FileProvider, LightOptions, LightReport, LightStore


@dataclass(frozen=True)
class Asked:
    """The options of the command, read.

    root  height and hash of the header that the caller trusts; None: the store has one
    """

    folder: Path
    height: int | None
    root: tuple[int, bytes] | None
    store: Path | None
    chain_id: str | None
    witnesses: tuple[Path, ...]
    options: LightOptions
    now_ns: int


def root_of(height: int | None, hash: str | None) -> tuple[int, bytes] | None:
    """The trusted header of the options; both or neither."""
    if (height is None) != (hash is None):
        missing = "--trusted-height" if height is None else "--trusted-hash"
        raise InputError(missing, "nothing", "both --trusted-height and --trusted-hash, or neither")
    if height is None or hash is None:
        return None
    digest = hex_bytes(hash, "--trusted-hash")
    if len(digest) != 32:
        raise InputError("--trusted-hash", f"{len(digest)} bytes", "32 bytes")
    return height, digest


def follow(asked: Asked, service: ValidationClient | None, *, as_json: bool) -> bool:
    """Verifies the header and prints what there is to say; whether it is trusted."""
    from pycore.consensus.light import FileProvider

    for folder in (asked.folder, *asked.witnesses):
        if not folder.is_dir():
            raise InputError("FOLDER" if folder == asked.folder else "--witness", repr(str(folder)), "a folder")
    folders = [folder.resolve() for folder in (asked.folder, *asked.witnesses)]
    if len({*folders}) < len(folders):
        raise InputError("--witness", "one folder twice", "answers of other nodes than FOLDER's, each once")
    if service is not None and asked.witnesses:
        raise InputError("--witness", "--via as well", "one of the two: the service compares no nodes")
    if asked.store is None and asked.root is None:
        wanted = "a store that trusts a header, or --trusted-height and --trusted-hash"
        raise InputError("--store", "neither it nor --trusted-height", wanted)
    primary = FileProvider(asked.folder, chain=CHAIN)
    target = _height(asked, primary)
    chain_id = asked.chain_id
    if chain_id is None:
        chain_id = _block(primary, target).signed_header.chain_id
    try:
        if service is None:
            block, before = _here(asked, primary, chain_id, target)
        else:
            block, before = _there(asked, primary, chain_id, target, service)
    except LightClientError as error:
        _refuse(error, target, as_json=as_json)
        return False
    header = block.signed_header
    if as_json:
        print_json({
            "trusted": True, "chain_id": header.chain_id, "height": header.height, "hash": header.hash.hex(),
            "time": shown_time(header.time_ns), "validators_hash": header.validators_hash.hex(),
            "next_validators_hash": header.next_validators_hash.hex(), "from_height": before,
        })  # fmt: skip
    else:
        came = "it was already" if before == header.height else f"because of block {before}"
        what = f"{printable(header.chain_id)} block {header.height} {header.hash.hex()} of {shown_time(header.time_ns)}"
        print(f"TRUSTED: {what}; {came}")
    return True


def _height(asked: Asked, primary: FileProvider) -> int:
    """The height to verify."""
    found = asked.height or primary.latest()
    if not found:
        raise InputError("FOLDER", f"{str(asked.folder)!r}, a folder without headers", "a node's answers, by height")
    return found


def _block(primary: FileProvider, height: int) -> LightBlock:
    """A block of the folder. InputError where it has none, or another one under its name."""
    found = primary.light_block(height)
    if found is None:
        wanted = f"commit-{height}.json and validators-{height}.json, {height}.json or {height}.bin"
        raise InputError("FOLDER", f"no block of height {height}", wanted)
    if found.height != height:
        raise InputError("FOLDER", f"the block of height {found.height} as that of {height}", "answers by their height")
    return found


def _store(asked: Asked, chain_id: str) -> LightStore:
    from pycore.consensus.light import MemoryLightStore, SqliteLightStore

    return MemoryLightStore() if asked.store is None else SqliteLightStore(asked.store, chain_id, chain=CHAIN)


def _here(asked: Asked, primary: FileProvider, chain_id: str, target: int) -> tuple[LightBlock, int]:
    """The block, and the height of the trusted one that it was verified from."""
    from pycore.consensus.light import FileProvider, LightClient

    client = LightClient(
        chain_id,
        primary=primary,
        witnesses=[FileProvider(one, chain=CHAIN) for one in asked.witnesses],
        store=_store(asked, chain_id),
        options=asked.options,
        chain=CHAIN,
        witnesses_needed=len(asked.witnesses),
        timeout=None,
    )
    if asked.root is not None:
        client.initialize(*asked.root, asked.now_ns)
    heights = client.heights()
    block = client.verify(target, asked.now_ns)
    below = [one for one in heights if one <= target]
    return block, below[-1] if below else heights[0] if heights else target


# ---- with a service --------------------------------------------------------------------------------------------------


def _there(
    asked: Asked, primary: FileProvider, chain_id: str, target: int, service: ValidationClient
) -> tuple[LightBlock, int]:
    """The same with every step forward made by a service. The first trusted header is checked here."""
    store = _store(asked, chain_id)
    if asked.root is not None:
        _initialize(asked, primary, chain_id, store)
    known = store.get(target)
    if known is not None:
        return known, target
    base = store.before(target)
    if base is None:
        raise LightClientError("no_trust", f"nothing below height {target} is trusted", height=target)
    block = _walk(asked, primary, base, target, service)
    store.save(block)
    return block, base.height


def _initialize(asked: Asked, primary: FileProvider, chain_id: str, store: LightStore) -> None:
    from pycore.consensus.light import LightClient

    LightClient(
        chain_id, primary=primary, store=store, options=asked.options, chain=CHAIN, witnesses_needed=0, timeout=None
    ).initialize(*(asked.root or (0, b"")), asked.now_ns)


def _walk(asked: Asked, primary: FileProvider, base: LightBlock, target: int, service: ValidationClient) -> LightBlock:
    """Bisection: where too few of the trusted validators signed a block, one between the two is tried first."""
    from pycore.consensus.light import LightVerdict, TrustedState

    state, ahead = TrustedState.of(base), [_block(primary, target)]
    block = base
    while ahead:
        after, report = service.light_verify(state, [ahead[-1]], asked.options, asked.now_ns)
        if report.verdict is LightVerdict.SUCCESS:
            state, block = after, ahead.pop()
            continue
        between = (state.height + ahead[-1].height) // 2
        if report.verdict is not LightVerdict.NOT_ENOUGH_TRUST or between == state.height:
            reason = "expired" if report.verdict is LightVerdict.EXPIRED else "provider"
            raise LightClientError(reason, str(report.failed[0]), height=report.height, report=report)
        found = primary.light_block(between)
        if found is None:
            text = f"{report.failed[0]}; the folder has no block of height {between} in between"
            raise LightClientError("provider", text, height=report.height, report=report)
        ahead.append(found)
    return block


# ---- output ----------------------------------------------------------------------------------------------------------


def _refuse(error: LightClientError, target: int, *, as_json: bool) -> None:
    """Says why a header is not trusted."""
    report: Any = error.report
    if as_json:
        found: dict[str, Any] = {
            "trusted": False, "height": target, "reason": error.reason, "detail": error.detail,
            "report": None if report is None else report.to_dict(),
        }  # fmt: skip
        if isinstance(error, AttackDetected):
            found["evidence"] = {side: data.hex() for side, data in error.evidence.items()}
        print_json(found)
        return
    if report is not None:
        show_checks(report)
        note(f"{counted(report)}, from block {_trusted_height(report)}")
    for side, data in error.evidence.items() if isinstance(error, AttackDetected) else ():
        print(f"evidence against the {side}: {data.hex()}")
    print(f"NOT TRUSTED: block {target}; {printable(error)}")


def _trusted_height(report: LightReport) -> int:
    return report.trusted_height
