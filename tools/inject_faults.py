"""Wrong-result injection: what notices a fault in the lane code?

    python tools/inject_faults.py [--isa avx2] [--only WORD] [--all]

For each fault below a scratch copy of csrc/ gets one small change - a bit of a constant, a dropped carry, a swapped
blend, a missing second look - and is built for one instruction set. Then two questions: does the start-up self-test
drop the backend, and which C test fails first (--all: which of them all). A fault that neither notices is a survivor
and makes the exit status 1; so does a fault whose text is no longer in the source. About half a minute of CPU each.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTS = (
    "test_vec",
    "test_field",
    "test_ed25519",
    "test_schnorr",
    "test_weierstrass",
    "test_exhaustive",
)  # the quickest first
FLAGS = ["-std=gnu11", "-O1", "-w", "-fPIC", "-fno-inline", "-Dalways_inline=unused"]  # compiles in seconds
PROBE = """
#include <stdio.h>
#include "pycore.h"
int main(void) {
    pc_backend_row row;
    for (int i = 0; pc_backend_at(i, &row) == PC_OK; i++) printf("%s:%d:%s\\n", row.name, row.usable, row.reason);
    return 0;
}
"""


@dataclass(frozen=True)
class Fault:
    """`old` becomes `new` in one file below csrc/, once."""

    what: str
    file: str
    old: str
    new: str


FAULTS = (
    Fault("blend takes the other side", "vec/vec_avx2.h", "_mm256_blendv_epi8(b, a, m)", "_mm256_blendv_epi8(a, b, m)"),
    Fault(
        "comparison is signed",
        "vec/vec_avx2.h",
        "_mm256_cmpgt_epi64(vxor(b, top), vxor(a, top))",
        "_mm256_cmpgt_epi64(b, a)",
    ),
    Fault(
        "table load mixes two lanes",
        "vec/vec_avx2.h",
        "out[k + 2] = _mm256_permute2x128_si256(ab0, cd0, 0x31)",
        "out[k + 2] = _mm256_permute2x128_si256(ab0, cd0, 0x21)",
    ),
    Fault("rounding to nearest", "vec/vec_avx2.h", "toward_zero = 0x7f80", "toward_zero = 0x1f80"),
    Fault("a column's carry is halved", "vec/vec_avx2.h", "vshr((c)[k], 52)", "vshr((c)[k], 53)"),
    Fault(
        "a carry of 2^255 - 19 is dropped",
        "field/fe25519_avx2.inc.h",
        "vadd(vor(vand(t2, mask), two52), vshr(t1, 51))",
        "vor(vand(t2, mask), two52)",
    ),
    Fault(
        "2^255 folds as 18, in the carry after a sum",
        "field/fe25519_avx2.inc.h",
        "db_fma(q4, db_set1(19)",
        "db_fma(q4, db_set1(18)",
    ),
    Fault("recoding rounds down", "mult/recode.inc.h", "vshr(vadd(t, vset1(1)), 1)", "vshr(t, 1)"),
    Fault(
        "recoding: the largest digit has the wrong sign",
        "mult/recode.inc.h",
        "vlt(vset1(((uint64_t)1 << width) - 1), t)",
        "vlt(vset1((uint64_t)1 << width), t)",
    ),
    Fault(
        "no second look at exceptional sums",
        "mult/double_base.inc.h",
        "if (!(mbits(doubtful) & (live ? live[g] : ~0u))) continue;",
        "continue;",
    ),
    Fault(
        "lanes with an item count as empty",
        "schemes/parts/keys.inc.h",
        "(status[j] == PC_VALID && !keys->bad[j])",
        "(status[j] != PC_VALID || keys->bad[j])",
    ),
    Fault(
        "no second look at exceptional sums of known keys",
        "mult/known_base.inc.h",
        "if (mbits(doubtful) & asked)",
        "if (0)",
    ),
    Fault(
        "a zero digit adds all the same",
        "mult/fixed_base.inc.h",
        "cv(jac_select)(&a->p, skip, &a->p, &next)",
        "a->p = next",
    ),
    Fault(
        "equal points are not told apart",
        "group/weierstrass.inc.h",
        "cv(jac_select)(&sum, equal, &other, &sum)",
        "(void)equal",
    ),
    Fault(
        "a negative Edwards entry keeps one half",
        "group/edwards.inc.h",
        "fe(select)(&s->g, negative, &t, &u)",
        "fe(select)(&s->g, negative, &u, &t)",
    ),
    Fault(
        "a sum at infinity stays in its bucket",
        "mult/buckets.inc.h",
        "if (infinite >> lane & 1) l->refs",
        "if (0) l->refs",
    ),
    Fault(
        "the sign of a pair's first point is lost",
        "mult/buckets.inc.h",
        "+ start + i) << 1 | (p & 1)",
        "+ start + i) << 1",
    ),
    Fault("the complete addition takes 2b for 3b", "group/weierstrass_complete.inc.h", "(3 * b[0])", "(2 * b[0])"),
    Fault(
        "a combination of BIP-340 always holds",
        "schemes/bip340/batch.inc.h",
        "return mbits(fe(is_zero)(&w->left_side.z));",
        "return (1u << VL) - 1;",
    ),
    Fault(
        "any part explains the failure of the whole",
        "schemes/bip340/batch.inc.h",
        "return mbits(cv(hom_eq)(&w->left_side, &w->remembered)) == (1u << VL) - 1;",
        "return w != NULL;",
    ),
    Fault(
        "half of a coefficient has no sign",
        "schemes/bip340/batch.inc.h",
        "sc(cneg)(&b, negative[1], &b)",
        "(void)0",
    ),
    Fault("a bit of beta", "curves/secp256k1.inc.h", "0xc1396c28719501ee", "0xc1396c28719501ef"),
    Fault("a bit of P-256's b", "curves/p256.inc.h", "0x3bce3c3e27d2604b", "0x3bce3c3e27d2604a"),
    Fault("a bit of SM2's generator", "curves/sm2.inc.h", "0x715a4589334c74c7", "0x715a4589334c74c6"),
    Fault("a bit of the lattice basis", "mult/glv.inc.h", "mask = vset1(PC_MASK52);", "mask = vset1(PC_MASK52 >> 1);"),
    Fault(
        "combined equations: every coefficient is the same",
        "schemes/parts/combine.inc.h",
        "sha512_many(c->seed, sizeof c->seed, &numbers, (n + 3) / 4, (uint8_t *)words);",
        "for (size_t i = 0; i < 2 * n; i++) words[i] = 7;",
    ),
    Fault(
        "combined equations: the rest of a failed one is never tried",
        "schemes/parts/combine.inc.h",
        "end < failed_end && s->explains(work)",
        "end < failed_end",
    ),
    Fault(
        "combined equations: lanes that fail are taken for good",
        "schemes/parts/combine.inc.h",
        "s->check_singly(work, c->suspects, suspects);",
        "(void)suspects;",
    ),
    Fault(
        "cofactorless: the part of small order is ignored",
        "schemes/ed25519/verify.inc.h",
        "if (!cofactored) ed25519_refuse_torsion(w, w->live, live);",
        "(void)ed25519_refuse_torsion;",
    ),
    Fault(
        "cofactorless: k modulo 8 loses a bit",
        "schemes/ed25519/torsion.inc.h",
        "for (int bit = 2; bit >= 0; bit--)",
        "for (int bit = 1; bit >= 0; bit--)",
    ),
    Fault(
        "cofactorless: any point counts as the double of another",
        "group/edwards_subgroup.inc.h",
        "mor(mand(in[j], fe(eq)(&t, &one)), cv(is_identity)(&p[j]))",
        "mor(fe(eq)(&t, &one), cv(is_identity)(&p[j]))",
    ),
    Fault(
        "combined equations: of equal keys the last one counts",
        "schemes/bip340/batch.inc.h",
        "int256_add_mod(factor, factor, products + 4, order);",
        "memcpy(factor, products + 4, 32);",
    ),
    Fault(
        "sums of pairs: equal points get no tangent",
        "mult/affine_pairs.inc.h",
        "fe(select)(&p->term[i].y, equal, &slope, &p->term[i].y);",
        "(void)slope;",
    ),
    Fault(
        "sums of pairs: opposite points are not infinite",
        "mult/affine_pairs.inc.h",
        "p->infinite[i] = (uint8_t)mbits(opposite);",
        "p->infinite[i] = 0;",
    ),
)


def run(*words: object, cwd: Path | None = None, seconds: int = 900) -> subprocess.CompletedProcess[str]:
    """A command and what it printed."""
    command = [str(word) for word in words]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=seconds, check=False)


def row_flags(csrc: Path, isa: str) -> list[str]:
    """Compiler flags of a row of backends.def."""
    text = (csrc / "backend/backends.def").read_text()
    found = re.search(rf'^PC_BACKEND\({isa},\s*\w+,\s*"([^"]*)"', text, re.MULTILINE)
    if found is None:
        raise SystemExit(f"backends.def has no row {isa}")
    return found[1].split()


class Build:
    """The core of one scratch copy, for the portable backend and one other."""

    def __init__(self, folder: Path, isa: str) -> None:
        self.folder, self.isa = folder, isa
        self.csrc, self.flags = folder / "csrc", row_flags(folder / "csrc", isa)
        self.objects: dict[str, Path] = {}

    def compile(self, source: str, *flags: str) -> str:
        """Compiles one file; returns what the compiler said when it failed."""
        out = self.folder / (source.replace("/", "_") + ".o")
        done = run("gcc", *FLAGS, *flags, "-Icsrc", "-c", "-o", out, f"csrc/{source}", cwd=self.folder)
        self.objects[source] = out
        return done.stderr if done.returncode else ""

    def core(self) -> None:
        """The parts without faults: dispatch and the portable backend, which signs for the tests."""
        have = ["-DPC_HAVE_portable=1", f"-DPC_HAVE_{self.isa}=1", '-DPC_VERSION="0"', '-DPC_CFLAGS="-O1"']
        for source in sorted(path for room in ("core", "trees", "wire") for path in (self.csrc / room).glob("*.c")):
            assert not self.compile(f"{source.parent.name}/{source.name}", *have)
        assert not self.compile("backend/backend_portable.c")
        assert not self.compile(f"backend/backend_{self.isa}.c", *self.flags)

    def selftest(self) -> str:
        """Why the start-up self-test drops the backend; "" when it does not."""
        (self.folder / "probe.c").write_text(PROBE)
        objects = self.objects.values()
        done = run("gcc", *FLAGS, "-Icsrc", "-o", "probe", "probe.c", *objects, "-lpthread", cwd=self.folder)
        assert done.returncode == 0, done.stderr
        said = run("./probe", cwd=self.folder)
        rows = dict(line.split(":", 1) for line in said.stdout.splitlines())
        return f"crash {said.returncode}" if self.isa not in rows else rows[self.isa].partition(":")[2]

    def test(self, name: str) -> str:
        """The output of a C test; "" when it passes."""
        lanes = re.search(r'"(\.\./hash/lanes_\w+\.h)"', (self.csrc / f"backend/backend_{self.isa}.c").read_text())
        assert lanes
        named = ["-DTEST_BRIEF", f'-DTEST_VEC_HEADER="../vec/vec_{self.isa}.h"', f'-DTEST_LANES_HEADER="{lanes[1]}"']
        source, out = self.csrc / "tests" / f"{name}.c", self.folder / name
        words = [*FLAGS, *self.flags, *named, f"-I{self.csrc}", "-o", out, source, *self.objects.values(), "-lpthread"]
        done = run("gcc", *words)
        if done.returncode:
            return "does not compile"
        try:
            said = run(out)
        except subprocess.TimeoutExpired:
            return "does not end"
        if said.returncode == 0:
            return ""
        return (said.stderr.strip().splitlines() or [f"ends with {said.returncode}"])[0].rpartition("/")[2][:80]


def in_order(fault: Fault) -> list[str]:
    """The C tests, those of the group that the fault is in first."""
    if fault.file.startswith("schemes/") or "affine_pairs" in fault.file or "buckets" in fault.file:
        return sorted(TESTS, key=lambda name: name not in ("test_schnorr", "test_ed25519"))
    if "25519" in fault.file or "edwards" in fault.file:
        return sorted(TESTS, key=lambda name: name in ("test_weierstrass", "test_schnorr", "test_exhaustive"))
    if "bip340" in fault.file or "combine" in fault.file:
        return sorted(TESTS, key=lambda name: name != "test_schnorr")
    if fault.file.startswith(("mult/", "group/", "curves/")):
        return sorted(TESTS, key=lambda name: name not in ("test_weierstrass", "test_exhaustive"))
    return list(TESTS)


def judge(fault: Fault, clean: Build, *, every: bool) -> tuple[str, list[str]]:
    """(what the self-test says, the C tests that fail)."""
    path = clean.csrc / fault.file
    before = path.read_text()
    object_file = clean.objects[f"backend/backend_{clean.isa}.c"]
    kept = object_file.read_bytes()
    try:
        path.write_text(before.replace(fault.old, fault.new, 1))
        failed = clean.compile(f"backend/backend_{clean.isa}.c", *clean.flags)
        assert not failed, failed
        dropped = clean.selftest()
        object_file.write_bytes(kept)
        found = []
        for name in in_order(fault):
            said = clean.test(name)
            if said:
                found.append(f"{name}: {said}")
                if not every:
                    break
        return dropped, found
    finally:
        path.write_text(before)
        object_file.write_bytes(kept)


def main() -> int:
    """Prints a line per fault."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--isa", default="avx2")
    parser.add_argument("--only", action="append", default=[], help="faults whose name contains this; may be repeated")
    parser.add_argument("--all", action="store_true", help="run every C test, not only to the first that fails")
    given = parser.parse_args()
    bad = 0
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        shutil.copytree(ROOT / "csrc", folder / "csrc")
        clean = Build(folder, given.isa)
        clean.core()
        if dropped := clean.selftest():
            raise SystemExit(f"{given.isa} can not run here: {dropped}")
        for fault in FAULTS:
            if given.only and not any(word in fault.what for word in given.only):
                continue
            if fault.old not in (clean.csrc / fault.file).read_text():
                print(f"STALE     {fault.what}: {fault.file} has no {fault.old!r}", flush=True)
                bad += 1
                continue
            dropped, found = judge(fault, clean, every=given.all)
            survives = not dropped and not found
            bad += survives
            verdict = "SURVIVES" if survives else "noticed "
            print(f"{verdict}  {fault.what}\n    at start: {dropped or 'passes'}", flush=True)
            print(f"    C tests: {'; '.join(found) or 'all pass'}", flush=True)
    print(f"{bad} survive or are stale")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
