// Node.js's own crypto module: one SM2 key signs in three ways. One JSON object a line.
const crypto = require("crypto");
const message = Buffer.from("a message");
const raw = (key) => {
  const spki = key.export({ type: "spki", format: "der" });
  return spki.subarray(spki.length - 65).toString("hex");
};
const put = (what, call, key, signature) =>
  console.log(
    JSON.stringify({
      what,
      call,
      public_key: raw(key),
      signature: signature.toString("hex"),
      message: message.toString("hex"),
    }),
  );

const { privateKey: made, publicKey } = crypto.generateKeyPairSync("ec", { namedCurve: "SM2" });
const read = crypto.createPrivateKey(made.export({ type: "pkcs8", format: "pem" }));
put(
  "sm2-made",
  "crypto.sign('sm3', message, key from generateKeyPairSync)",
  publicKey,
  crypto.sign("sm3", message, made),
);
put(
  "sm2-made-sha256",
  "crypto.sign('sha256', message, key from generateKeyPairSync)",
  publicKey,
  crypto.sign("sha256", message, made),
);
put("sm2-read", "crypto.sign('sm3', message, key read from PEM)", publicKey, crypto.sign("sm3", message, read));
put("sm2-read-default", "crypto.sign(null, message, key read from PEM)", publicKey, crypto.sign(null, message, read));
put(
  "sm2-made-default",
  "crypto.sign(null, message, key from generateKeyPairSync)",
  publicKey,
  crypto.sign(null, message, made),
);
put(
  "sm2-createsign",
  "crypto.createSign('sm3').update(message).sign(key read from PEM)",
  publicKey,
  crypto.createSign("sm3").update(message).sign(read),
);
const p256 = crypto.generateKeyPairSync("ec", { namedCurve: "P-256" });
put(
  "p256",
  "crypto.sign('sha256', message, P-256 key)",
  p256.publicKey,
  crypto.sign("sha256", message, p256.privateKey),
);
put(
  "p256-p1363",
  "crypto.sign('sha256', message, { key, dsaEncoding: 'ieee-p1363' })",
  p256.publicKey,
  crypto.sign("sha256", message, { key: p256.privateKey, dsaEncoding: "ieee-p1363" }),
);
put(
  "p256-sha512",
  "crypto.sign('sha512', message, P-256 key)",
  p256.publicKey,
  crypto.sign("sha512", message, p256.privateKey),
);
