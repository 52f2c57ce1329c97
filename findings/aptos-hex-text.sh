#!/bin/sh
# @aptos-labs/ts-sdk 7.3.0: account.sign(text) signs the text's UTF-8 bytes, unless the text happens to be hexadecimal, with
# or without 0x: then it signs the bytes that it spells. "facade" and "123456" are signed as three bytes, "arcade" as six:
# whether a verifier must decode depends on the text that a user typed. Bytes are signed as they are.
# Touches pycore's users who verify messages of wallets: pass the decoded bytes for such texts.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --silent @aptos-labs/ts-sdk@7.3.0
cat >show.cjs <<'JS'
const { Account } = require("@aptos-labs/ts-sdk");
const account = Account.generate();
const same = (text, bytes) => account.sign(text).toString() === account.sign(new Uint8Array(bytes)).toString();
const seen = ["arcade", "facade", "0xfacade", "12345", "123456"].map((text) => {
  const digits = text.replace(/^0x/, "");
  const found = [same(text, Buffer.from(text)), digits.length % 2 === 0 && same(text, Buffer.from(digits, "hex"))];
  console.log(`${JSON.stringify(text)}: signed as text ${found[0]}, as the bytes that it spells ${found[1]}`);
  return found.map(Number).join("");
});
if (seen.join(" ") !== process.argv[2]) throw new Error(`changed: ${seen.join(" ")}`);
JS
node show.cjs "10 01 01 10 01"
