// ECDSA, BIP-340 and Ed25519 signatures of JavaScript packages; the argument is the package. One JSON object a line.
import { createRequire } from "node:module";
import crypto from "node:crypto";
const require = createRequire(process.cwd() + "/");
const SECRET = Buffer.from("1b4f0e9851971998e732078544c96b36c3d01cedf7caa332359d6f1d83567014", "hex");
const message = Buffer.from("a message");
const digest = crypto.createHash("sha256").update(message).digest();
const hex = (one) => (typeof one === "string" ? one.replace(/^0x/, "") : Buffer.from(one).toString("hex"));
const put = (what, call, key, signature, others = {}) => {
  const parts = { public_key: hex(key), signature: hex(signature), message: hex(message) };
  for (const [name, value] of Object.entries(others)) parts[name] = hex(value);
  console.log(JSON.stringify({ what, call, ...parts }));
};
const name = process.argv[2];
const load = (path) => import(require.resolve(path));
const point = () => {
  const half = crypto.createECDH("secp256k1");
  half.setPrivateKey(SECRET);
  return half.getPublicKey(null, "compressed");
};

const programs = {
  "@noble/curves": async () => {
    const { secp256k1, schnorr } = await load("@noble/curves/secp256k1.js");
    const { p256 } = await load("@noble/curves/nist.js");
    const { ed25519 } = await load("@noble/curves/ed25519.js");
    const key = secp256k1.getPublicKey(SECRET);
    put("secp256k1", "secp256k1.sign(message, key)", key, secp256k1.sign(message, SECRET));
    put(
      "recovered",
      "secp256k1.sign(message, key, { format: 'recovered' })",
      key,
      secp256k1.sign(message, SECRET, { format: "recovered" }),
    );
    put(
      "der",
      "secp256k1.sign(message, key, { format: 'der' })",
      key,
      secp256k1.sign(message, SECRET, { format: "der" }),
    );
    put(
      "prehash-false",
      "secp256k1.sign(digest, key, { prehash: false })",
      key,
      secp256k1.sign(digest, SECRET, { prehash: false }),
      { digest },
    );
    put("digest-hashed-again", "secp256k1.sign(digest, key)", key, secp256k1.sign(digest, SECRET), { digest });
    put("high-s", "secp256k1.sign(message, key, { lowS: false })", key, highS(secp256k1));
    put("p256", "p256.sign(message, key)", p256.getPublicKey(SECRET), p256.sign(message, SECRET));
    put(
      "schnorr",
      "schnorr.sign(message, key, zeros)",
      schnorr.getPublicKey(SECRET),
      schnorr.sign(message, SECRET, new Uint8Array(32)),
    );
    put("ed25519", "ed25519.sign(message, key)", ed25519.getPublicKey(SECRET), ed25519.sign(message, SECRET));
    const identity = Buffer.concat([Buffer.from([1]), Buffer.alloc(31)]);
    const trivial = Buffer.concat([identity, Buffer.alloc(32)]);
    const answers = [true, false].map((zip215) => ed25519.verify(trivial, message, identity, { zip215 }));
    put(
      "identity-key",
      `ed25519.verify(signature, message, key) of the identity as key and R, s = 0: ${answers[0]}; with zip215: false: ${answers[1]}`,
      identity,
      trivial,
    );
  },
  "@noble/secp256k1": async () => {
    const secp = await load("@noble/secp256k1");
    const key = secp.getPublicKey(SECRET);
    put("sign", "await signAsync(message, key)", key, await secp.signAsync(message, SECRET));
    put(
      "recovered",
      "await signAsync(message, key, { format: 'recovered' })",
      key,
      await secp.signAsync(message, SECRET, { format: "recovered" }),
    );
  },
  elliptic: () => {
    const curve = new (require("elliptic").ec)("secp256k1");
    const key = curve.keyFromPrivate(SECRET);
    const p256 = new (require("elliptic").ec)("p256").keyFromPrivate(SECRET);
    put("der", "ec.sign(digest, key).toDER()", key.getPublic(true, "hex"), Buffer.from(key.sign(digest).toDER()), {
      digest,
    });
    put(
      "message",
      "ec.sign(message, key).toDER(), not hashed",
      key.getPublic("hex"),
      Buffer.from(key.sign(message).toDER()),
      { number: Buffer.concat([Buffer.alloc(32 - message.length), message]) },
    );
    put("p256", "ec('p256').sign(digest, key).toDER()", p256.getPublic("hex"), Buffer.from(p256.sign(digest).toDER()), {
      digest,
    });
  },
  secp256k1: () => {
    const secp = require("secp256k1");
    const { signature, recid } = secp.ecdsaSign(digest, SECRET);
    put("sign", "ecdsaSign(digest, key)", secp.publicKeyCreate(SECRET), signature, {
      digest,
      recid: Buffer.from([recid]),
    });
  },
  "tiny-secp256k1": () => {
    const tiny = require("tiny-secp256k1");
    put("sign", "sign(digest, key)", tiny.pointFromScalar(SECRET, true), tiny.sign(digest, SECRET), { digest });
    put("schnorr", "signSchnorr(digest, key)", tiny.xOnlyPointFromScalar(SECRET), tiny.signSchnorr(digest, SECRET), {
      digest,
    });
  },
  ecpair: () => {
    const pair = require("ecpair").ECPairFactory(require("tiny-secp256k1")).fromPrivateKey(SECRET);
    put("sign", "pair.sign(digest)", pair.publicKey, pair.sign(digest), { digest });
    put("schnorr", "pair.signSchnorr(digest)", pair.publicKey, pair.signSchnorr(digest), { digest });
  },
  ethers: () => {
    const { Wallet, Signature } = require("ethers");
    const wallet = new Wallet("0x" + hex(SECRET));
    const signed = wallet.signMessageSync("a message");
    put("personal", "wallet.signMessageSync(text)", point(), signed);
    put("eip2098", "Signature.from(signed).compactSerialized", point(), Signature.from(signed).compactSerialized);
    put("digest", "wallet.signingKey.sign(digest).serialized", point(), wallet.signingKey.sign(digest).serialized, {
      digest,
    });
  },
  viem: async () => {
    const { privateKeyToAccount } = require("viem/accounts");
    const account = privateKeyToAccount("0x" + hex(SECRET));
    put(
      "personal",
      "account.signMessage({ message })",
      account.publicKey,
      await account.signMessage({ message: "a message" }),
    );
    put("hash", "account.sign({ hash })", account.publicKey, await account.sign({ hash: "0x" + hex(digest) }), {
      digest,
    });
  },
  jsrsasign: () => {
    const { KJUR } = require("jsrsasign");
    const signer = new KJUR.crypto.Signature({ alg: "SHA256withECDSA" });
    signer.init({ d: hex(SECRET), curve: "secp256k1" });
    signer.updateHex(hex(message));
    put("sign", "new KJUR.crypto.Signature({ alg: 'SHA256withECDSA' }).sign()", point(), signer.sign());
  },
  tweetnacl: () => {
    const nacl = require("tweetnacl");
    const pair = nacl.sign.keyPair.fromSeed(SECRET);
    put("detached", "nacl.sign.detached(message, key)", pair.publicKey, nacl.sign.detached(message, pair.secretKey));
    put("attached", "nacl.sign(message, key)", pair.publicKey, nacl.sign(message, pair.secretKey), {
      secret_half: pair.secretKey.slice(32),
    });
  },
};

function highS(curve) {
  for (let i = 0; ; i++) {
    const signature = curve.sign(message, SECRET, { lowS: false, extraEntropy: new Uint8Array(32).fill(i) });
    if (signature[32] & 0x80) return signature;
  }
}

await programs[name]();
