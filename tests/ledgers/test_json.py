"""JSON from strangers: one meaning, and bounds that are checked before anything is built."""

from __future__ import annotations

import pytest

from pycore.errors import InputError
from pycore.identities import collector
from pycore.identities.x509 import PublicKey
from pycore.ledgers import _json, chainmaker
from pycore.ledgers.chainmaker import dag
from pycore.ledgers.chainmaker.messages import TxRWSet


@pytest.mark.parametrize(
    ("text", "got"),
    [
        ('{"trust_roots": {}, "trust_roots": {"org": []}}', "the name 'trust_roots' twice"),
        ('{"nodes": {"a": "x", "a": "y"}}', "the name 'a' twice"),
        ('{"a":' * 17 + "0" + "}" * 17, "more than 16 levels"),
        ('{"a": [' + "0," * _json.MAX_VALUES + "0]}", "values and names"),
        ('{"height": ' + "9" * 65 + "}", "a number of 65 characters"),
        ("[1]", "a JSON list"),
        ('"text', "not JSON"),
        (b"\xff", "not JSON"),
    ],
)
def test_refused_by_name(text: str | bytes, got: str) -> None:
    with pytest.raises(InputError, match=got) as caught:
        _json.load_object(text, "context")
    assert caught.value.field == "context"


def test_brackets_inside_of_texts_are_no_levels() -> None:
    document = '{"a": "' + "[" * 100 + '\\"", "b": [' + "[]," * 20 + "[]]}"
    assert _json.load_object(document, "context")["a"] == "[" * 100 + '"'


def test_a_context_says_each_thing_once() -> None:
    with pytest.raises(InputError, match="'rules' twice"):
        chainmaker.ChainContext.from_json('{"rules": "strict", "rules": "compatible"}')


def test_signatures_on_rare_curves_are_counted() -> None:
    batch = collector.SignatureBatch()
    for kind in ("ecdsa-p384", "ecdsa-p521"):
        for _ in range(collector.MAX_RARE // 2):
            batch.add(PublicKey(kind, b""), "sha256", b"", b"")
    assert len(batch.run()) == collector.MAX_RARE
    batch.add(PublicKey("ecdsa-p521", b""), "sha256", b"", b"")
    with pytest.raises(InputError, match="1025 on P-384 and P-521"):
        batch.run()


def test_a_dag_of_too_many_edges() -> None:
    one, other = TxRWSet(), TxRWSet()
    one.tx_reads.add(key=b"k")
    other.tx_writes.add(key=b"k")
    assert dag.build([one, one, other, other], most=5) == [[], [], [0, 1], [0, 1, 2]]
    with pytest.raises(InputError, match="more than 4 edges"):
        dag.build([one, one, other, other], most=4)
