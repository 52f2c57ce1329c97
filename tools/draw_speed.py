"""Draws docs/images/speed-light.svg and speed-dark.svg: how many times the rate of its best peer each work reaches.

    python tools/draw_speed.py           writes both pictures from bench/results
    python tools/draw_speed.py --check   says whether the committed ones are what it would write (exit status 1: no)

The scale is logarithmic and every bar starts at 1, the peer's rate: right of it pycore is quicker, left of it the peer.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "bench" / "results" / "epyc-7003-gcc12-avx2.json"
IMAGES = ROOT / "docs" / "images"

# Heading -> (label, work as the results name it)
GROUPS = {
    "Signatures, distinct keys": [
        ("Ed25519 (ZIP 215)", "ed25519 zip215, distinct keys"),
        ("Ed25519 (strict)", "ed25519 strict, distinct keys"),
        ("ECDSA secp256k1", "ecdsa-secp256k1, distinct keys"),
        ("ECDSA P-256", "ecdsa-p256, distinct keys"),
        ("BIP-340", "schnorr-secp256k1, distinct keys"),
        ("SM2", "sm2 with Z_A and 300-byte messages, distinct keys"),
        ("Ed25519, one per call", "ed25519 zip215, 1 in a call"),
    ],
    "Signatures, 100 known signers": [
        ("Ed25519 (ZIP 215)", "ed25519 zip215, 100 known signers"),
        ("ECDSA secp256k1", "ecdsa-secp256k1, 100 known signers"),
        ("ECDSA P-256", "ecdsa-p256, 100 known signers"),
        ("BIP-340", "schnorr-secp256k1, 100 known signers"),
        ("SM2", "sm2 with Z_A and 300-byte messages, 100 known signers"),
    ],
    "Hashes, 64-byte messages": [
        ("SHA-256", "sha256, messages of 64 B"),
        ("SM3", "sm3, messages of 64 B"),
        ("Keccak-256", "keccak256, messages of 64 B"),
        ("BLAKE3", "blake3, messages of 64 B"),
    ],
    "Trees": [
        ("Merkle root, RFC 9162", "Merkle root, rfc9162, sha256"),
        ("Merkle root, ChainMaker SM3", "Merkle root, chainmaker, sm3"),
        ("Inclusion proofs", "inclusion proofs of depth 20, sha256"),
        ("Log, a root per leaf", "growing log with roots, 1 leaves at a time"),
        ("Log, a root per 100", "growing log with roots, 100 leaves at a time"),
        ("Sparse tree updates", "sparse Merkle tree, updates in one batch"),
        ("Ethereum account proofs", "Ethereum account proofs, trie of 20,000"),
    ],
}


class Palette(NamedTuple):
    """The project's colours on one background."""

    ink: str
    quiet: str
    grid: str
    ahead: str
    behind: str


PALETTES = {
    "light": Palette(ink="#16302b", quiet="#5b6f6a", grid="#d9e2df", ahead="#0f766e", behind="#c2410c"),
    "dark": Palette(ink="#e3efec", quiet="#93a8a3", grid="#2b3b38", ahead="#2dd4bf", behind="#fb923c"),
}

WIDTH, LEFT, RIGHT = 760, 210, 64  # pixels: the picture, the labels, the room for the last figure
LOW, HIGH = 0.5, 64.0
ROW, HEADING, TOP = 19, 30, 44


def best_ratios(document: dict[str, Any]) -> dict[str, tuple[float, str]]:
    """Work -> (ratio, peer) next to the quickest peer that was measured."""
    best: dict[str, tuple[float, str]] = {}
    for row in document["targets"]:
        if row["ratio"] is not None:
            best[row["work"]] = min(best.get(row["work"], (math.inf, "")), (row["ratio"], row["peer"]))
    return best


def place(ratio: float) -> float:
    """The x of a ratio, on the logarithmic scale; what lies outside is drawn at the edge."""
    share = math.log(min(max(ratio, LOW), HIGH) / LOW) / math.log(HIGH / LOW)
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def text(x: float, y: float, words: str, colour: str, more: str = "") -> str:
    """One SVG text element."""
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}"{more}>{escape(words)}</text>'


def grid(palette: Palette, height: int) -> list[str]:
    """The vertical lines at powers of two, and their labels."""
    lines = []
    ratio = LOW
    while ratio <= HIGH:
        x = place(ratio)
        colour = palette.quiet if ratio == 1 else palette.grid
        lines.append(f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{height - 40}" stroke="{colour}"/>')
        lines.append(text(x, height - 24, f"{ratio:g} x", palette.quiet, ' text-anchor="middle"'))
        ratio *= 2
    return lines


def bars(palette: Palette, best: dict[str, tuple[float, str]]) -> tuple[list[str], int]:
    """Headings, labels and bars from the top down, and the y below the last."""
    lines = []
    y = TOP
    for heading, works in GROUPS.items():
        y += HEADING
        lines.append(text(12, y - 9, heading, palette.ink, ' font-weight="600"'))
        for label, work in works:
            ratio, peer = best[work]
            one, end = place(1), place(ratio)
            colour = palette.ahead if ratio >= 1 else palette.behind
            lines.append(text(LEFT - 10, y + 12, label, palette.ink, ' text-anchor="end"'))
            title = f"{work}: {ratio:.2f} x {peer}"
            lines.append(
                f'<rect x="{min(one, end):.1f}" y="{y + 2}" width="{max(abs(end - one), 1.5):.1f}" height="{ROW - 6}" '
                f'rx="2" fill="{colour}"><title>{escape(title)}</title></rect>'
            )
            lines.append(text(max(one, end) + 6, y + 12, f"{ratio:.{1 if ratio >= 1 else 2}f}", palette.quiet))
            y += ROW
    return lines, y


def draw(document: dict[str, Any], palette: Palette) -> str:
    """The whole picture as SVG."""
    drawn, y = bars(palette, best_ratios(document))
    height = y + 50
    where = document["environment"]
    caption = (
        f"{where['cpu']}, {where['compiler'].split(',')[0]}, backend {where['active']['ed25519']}, {where['time'][:10]}"
    )
    title = "Rate of pycore as a multiple of its best peer's, one thread"
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        'font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif" font-size="12.5" role="img" '
        'aria-labelledby="title">'
    )
    lines = [
        head,
        f'<title id="title">{escape(title)}</title>',
        text(12, 24, title, palette.ink, ' font-size="15" font-weight="600"'),
        *grid(palette, height),
        *drawn,
        text(12, height - 6, caption, palette.quiet, ' font-size="11"'),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    document = json.loads(RESULTS.read_text(encoding="utf-8"))
    stale = 0
    for name, palette in PALETTES.items():
        path = IMAGES / f"speed-{name}.svg"
        picture = draw(document, palette)
        if path.is_file() and path.read_text(encoding="utf-8") == picture:
            continue
        stale += 1
        if check:
            print(f"{path.relative_to(ROOT)}: out of date; run tools/draw_speed.py")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(picture, encoding="utf-8")
            print(f"{path.relative_to(ROOT)}: written")
    return int(check and stale > 0)


if __name__ == "__main__":
    sys.exit(main())
