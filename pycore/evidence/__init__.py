"""Evidence: whether a file's digest is on a chain, or in a log, and who says so. Offline: everything that is needed is
in the bundle (:mod:`pycore.bundle`) and in the state that the reader trusts.

:func:`check` takes a file (or its digest), a bundle whose statement is a transaction, an event or a written value, and
the trusted state; its report answers

- whether this file's digest is in that statement, under which hash and in which form (:mod:`pycore.evidence.notarised`
  has the contracts that are known, and the forms of a plain digest),
- in which block, and when: the block's time stamp, which its validators agreed on, not what a sender claims,
- by whom: the sender, as the chain names it,
- certified final by whom: the validators of the trusted state whose votes count, or, for a block below the trusted one,
  the hashes that lead up to it.

Every condition is a check with what was got and what was wanted. Evidence of a log (:mod:`pycore.evidence.log`) goes
the same way, with a :class:`LogEvidence` and a :class:`TrustedLog` in place of bundle and state.
:func:`pycore.evidence.page.page` is the report as one HTML page to read and print.

It does not say that the file is true, that the sender had a right to it, or that no other block says otherwise.
"""

from __future__ import annotations

from pycore.evidence.check import EvidenceReport, check
from pycore.evidence.log import LogEvidence, TrustedLog
from pycore.evidence.page import page
from pycore.evidence.subject import Digest

__all__ = ["Digest", "EvidenceReport", "LogEvidence", "TrustedLog", "check", "page"]
