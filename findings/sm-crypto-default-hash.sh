#!/bin/sh
# sm-crypto 0.3.14, 0.4.0 and 0.5.8, SM2 for JavaScript: doSignature(text, key) without options changed its meaning. Up to
# 0.3 the text's bytes are the number that is signed, and nothing is hashed; from 0.4 on it is SM3 of Z_A and the text,
# as GM/T 0009 says. A server that was updated refuses, by the same call, what its clients sign, and the other way
# round; { hash: false } is the old meaning.
# Touches pycore's users whose clients are browsers: hash="none" for the old ones, the defaults for the new ones.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent v3@npm:sm-crypto@0.3.14 v4@npm:sm-crypto@0.4.0 v5@npm:sm-crypto@0.5.8
cat >show.cjs <<'JS'
const [old, middle, young] = ["v3", "v4", "v5"].map((name) => require(name).sm2);
const { privateKey, publicKey } = young.generateKeyPairHex();
const text = "a message";
const holds = (signer, verifier) => verifier.doVerifySignature(text, signer.doSignature(text, privateKey), publicKey);
const seen = [holds(old, old), holds(old, middle), holds(middle, young), holds(old, young), holds(young, old), holds(young, young)];
console.log("0.3 by 0.3, 0.3 by 0.4, 0.4 by 0.5, 0.3 by 0.5, 0.5 by 0.3, 0.5 by 0.5:", seen.join(" "));
const told = young.doVerifySignature(text, old.doSignature(text, privateKey), publicKey, { hash: false });
const hashed = old.doVerifySignature(text, young.doSignature(text, privateKey), publicKey, { hash: true });
console.log("0.3 by 0.5 with { hash: false }, 0.5 by 0.3 with { hash: true }:", told, hashed);
if (seen.join() !== process.argv[2] || !told || !hashed) throw new Error("changed: see above");
JS
node show.cjs true,false,true,false,false,true
