#!/bin/sh
# cfx-account 1.2.2, Conflux's Python signer: a transaction with an access list and a gas price (CIP-2930, type 1) is refused
# with a TypeError, though the class that signs lists type 1 among "the currently supported Transaction Types". Type 2
# (CIP-1559) is signed, and takes an access list.
# Touches pycore's users who make Conflux test data with it: the type-1 form cannot be compared with this signer.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --disable-pip-version-check -q cfx-account==1.2.2
cd "$work"
"$work/venv/bin/python" - <<'PY'
from cfx_account import Account
from cfx_account.transactions.transactions import Transaction

documented = "type 1: CIP-2930" in (Transaction.__doc__ or "")
print("type 1 is documented as supported:", documented)
account = Account.from_key("0x" + "11" * 32, network_id=1029)
common = {"to": account.address, "nonce": 0, "gas": 21000, "value": 0, "storageLimit": 0, "epochHeight": 1,
          "chainId": 1029, "data": "0x", "accessList": []}
for number, fees in ((1, {"gasPrice": 1}), (2, {"maxFeePerGas": 1, "maxPriorityFeePerGas": 1})):
    try:
        raw = bytes(account.sign_transaction({**common, **fees, "type": number}).raw_transaction)
        seen = f"signed, begins with {raw[:4].hex()}"
    except TypeError as error:
        seen = f"TypeError: {error}"
    print(f"type {number}: {seen}")
    if seen.startswith("signed") != (number == 2):
        raise SystemExit("changed: see above")
if not documented:
    raise SystemExit("changed: the documentation no longer lists type 1")
PY
