#!/bin/sh
# cosmjs-types 0.11.0, CometBFT's and the Cosmos SDK's messages for JavaScript: times go through Date, which has
# milliseconds. A CommitSig that is read from protobuf, written as JSON by toJSON and read again by fromJSON is another
# message: nanoseconds are gone, and with them the bytes that its validator signed. encode and decode keep all nine digits.
# Touches pycore's users who hand over such JSON: its signatures do not hold. The node's own text has all digits.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent cosmjs-types@0.11.0
cat >show.cjs <<'JS'
const { CommitSig } = require("cosmjs-types/tendermint/types/types");
const hex = (message) => Buffer.from(CommitSig.encode(message).finish()).toString("hex");
const timestamp = { seconds: 1694009845n, nanos: 977731473 };
const signed = CommitSig.fromPartial({ blockIdFlag: 2, validatorAddress: new Uint8Array(20), timestamp, signature: new Uint8Array(64) });
const kept = CommitSig.decode(CommitSig.encode(signed).finish());
if (kept.timestamp.nanos !== 977731473) throw new Error("changed: protobuf loses digits");
const json = CommitSig.toJSON(kept);
const again = CommitSig.fromJSON(json);
const read = CommitSig.fromJSON({ ...json, timestamp: "2023-09-06T14:17:25.977731473Z" });
console.log("from protobuf:", kept.timestamp.nanos, "ns; as JSON:", json.timestamp, "; read again:", again.timestamp.nanos, "ns");
console.log("a text with nine digits, read:", read.timestamp.nanos, "ns");
if (hex(again) === hex(signed) || read.timestamp.nanos === 977731473) throw new Error("changed: JSON keeps nine digits");
JS
node show.cjs
