#!/bin/sh
# Node.js 24.21.0, crypto: for one SM2 key, crypto.sign and crypto.createSign are not the same. The first signs with Z_A of
# an empty identifier, the second signs SM3 of the message alone, without any Z_A; each refuses what the other signs. With a
# P-256 key both are one.
# Touches pycore's users whose signers are in Node.js: user_id=b"" for the first, user_id=None for the second.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent node@24.21.0
cat >show.cjs <<'JS'
const crypto = require("crypto");
const message = Buffer.from("a message");
const answers = (curve, digest) => {
  const made = crypto.generateKeyPairSync("ec", { namedCurve: curve });
  const privateKey = crypto.createPrivateKey(made.privateKey.export({ type: "pkcs8", format: "pem" }));
  const publicKey = crypto.createPublicKey(made.publicKey.export({ type: "spki", format: "pem" }));
  const whole = crypto.sign(digest, message, privateKey);
  const pieces = crypto.createSign(digest).update(message).sign(privateKey);
  const byVerify = (one) => crypto.verify(digest, message, publicKey, one);
  const byCreate = (one) => crypto.createVerify(digest).update(message).verify(publicKey, one);
  const found = [byVerify(whole), byCreate(whole), byVerify(pieces), byCreate(pieces)].join(" ");
  console.log(`${curve}: sign by verify, sign by createVerify, createSign by verify, createSign by createVerify: ${found}`);
  return found;
};
const seen = [answers("P-256", "sha256"), answers("SM2", "sm3")].join(", ");
if (seen !== "true true true true, true false false true") throw new Error("changed: see above");
JS
node_modules/node/bin/node show.cjs
