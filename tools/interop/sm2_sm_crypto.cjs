// The sm-crypto family of JavaScript libraries: the argument is the package. One JSON object a line.
const { sm2, sm3 } = require(process.argv[2]);
const SECRET = "1b4f0e9851971998e732078544c96b36c3d01cedf7caa332359d6f1d83567014";
const publicKey = sm2.getPublicKeyFromPrivateKey ? sm2.getPublicKeyFromPrivateKey(SECRET) : null;
const pair = publicKey ? { privateKey: SECRET, publicKey } : sm2.generateKeyPairHex();
const text = "a message";
const hex = (one) => Buffer.from(one, "utf8").toString("hex");
const put = (what, call, signature, message = hex(text)) =>
  console.log(JSON.stringify({ what, call, public_key: pair.publicKey, signature, message }));

put("plain", "sm2.doSignature(text, key)", sm2.doSignature(text, pair.privateKey));
const long = "a message longer than the 32 bytes of a digest, signed as the number that its bytes spell";
put("plain-long", "sm2.doSignature(long text, key)", sm2.doSignature(long, pair.privateKey), hex(long));
put(
  "sm3-first",
  "sm2.doSignature(sm3(text) as bytes, key)",
  sm2.doSignature([...Buffer.from(sm3(text), "hex")], pair.privateKey),
);
put(
  "hash",
  "sm2.doSignature(text, key, { hash: true, publicKey })",
  sm2.doSignature(text, pair.privateKey, { hash: true, publicKey: pair.publicKey }),
);
put(
  "hash-der",
  "sm2.doSignature(text, key, { hash: true, der: true, publicKey })",
  sm2.doSignature(text, pair.privateKey, { hash: true, der: true, publicKey: pair.publicKey }),
);
put(
  "hash-id",
  "sm2.doSignature(text, key, { hash: true, publicKey, userId: 'ALICE123@YAHOO.COM' })",
  sm2.doSignature(text, pair.privateKey, { hash: true, publicKey: pair.publicKey, userId: "ALICE123@YAHOO.COM" }),
);
