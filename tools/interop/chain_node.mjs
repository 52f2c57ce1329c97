// Signatures and proofs of chains' JavaScript SDKs; the argument is the package. One JSON object a line.
// `signed` are the bytes that the signature is over, in the form that pycore.verify takes.
import { createRequire } from "node:module";
import crypto from "node:crypto";
const require = createRequire(process.cwd() + "/");
const SECRET = Buffer.from("1b4f0e9851971998e732078544c96b36c3d01cedf7caa332359d6f1d83567014", "hex");
const message = Buffer.from("a message");
const hex = (one) =>
  typeof one === "string" ? one.replace(/^0x/, "").toLowerCase() : Buffer.from(one).toString("hex");
const put = (what, call, parts) => {
  const row = { what, call };
  for (const [name, value] of Object.entries({ message, ...parts }))
    row[name] = typeof value === "number" ? value : hex(value);
  console.log(JSON.stringify(row));
};

const programs = {
  "@solana/kit": async () => {
    const kit = await import(require.resolve("@solana/kit"));
    const signer = await kit.createKeyPairSignerFromPrivateKeyBytes(SECRET);
    const key = kit.getAddressEncoder().encode(signer.address);
    for (const version of [0, "legacy", 1]) {
      try {
        const built = kit.pipe(
          kit.createTransactionMessage({ version }),
          (tx) => kit.setTransactionMessageFeePayerSigner(signer, tx),
          (tx) =>
            kit.setTransactionMessageLifetimeUsingBlockhash(
              { blockhash: "4uQeVj5tqViQh7yWWGStvkEG1Zmhx6uasJtWCJziofM", lastValidBlockHeight: 9n },
              tx,
            ),
          (tx) =>
            kit.appendTransactionMessageInstruction(
              { programAddress: "11111111111111111111111111111111", data: new Uint8Array([1, 2]) },
              tx,
            ),
        );
        const signed = await kit.signTransactionMessageWithSigners(built);
        const wire = kit.getTransactionEncoder().encode(signed);
        put(`version-${version}`, `signTransactionMessageWithSigners(version ${version})`, {
          public_key: key,
          signature: signed.signatures[signer.address],
          message: wire,
          signed: signed.messageBytes,
        });
      } catch (error) {
        console.error(`version ${version}: ${error.message}`);
      }
    }
  },
  "@aptos-labs/ts-sdk": async () => {
    const { Account, Ed25519PrivateKey } = require("@aptos-labs/ts-sdk");
    const account = Account.fromPrivateKey({
      privateKey: new Ed25519PrivateKey("ed25519-priv-0x" + hex(SECRET)),
      legacy: true,
    });
    const text = "0x" + Buffer.from("hello").toString("hex");
    put("hex-text", "account.sign('0x68656c6c6f')", {
      public_key: account.publicKey.toUint8Array(),
      signature: account.sign(text).toUint8Array(),
      message: Buffer.from(text),
      signed: Buffer.from("hello"),
    });
    put("text", "account.sign('a message')", {
      public_key: account.publicKey.toUint8Array(),
      signature: account.sign("a message").toUint8Array(),
    });
  },
  "@stellar/stellar-sdk": async () => {
    const { Keypair } = require("@stellar/stellar-sdk");
    const key = Keypair.fromRawEd25519Seed(SECRET);
    put("sign", "Keypair.sign(data)", { public_key: key.rawPublicKey(), signature: key.sign(message) });
  },
  xrpl: async () => {
    const { sign, deriveKeypair, generateSeed } = require("ripple-keypairs");
    for (const algorithm of ["ecdsa-secp256k1", "ed25519"]) {
      const pair = deriveKeypair(generateSeed({ entropy: SECRET.subarray(0, 16), algorithm }));
      put(algorithm, `ripple-keypairs sign(message, key), ${algorithm}`, {
        public_key: pair.publicKey,
        signature: sign(hex(message), pair.privateKey),
        digest: crypto.createHash("sha512").update(message).digest().subarray(0, 32),
      });
    }
  },
  "@cosmjs/crypto": async () => {
    const { Secp256k1, sha256, Secp256k1Signature } = require("@cosmjs/crypto");
    const pair = await Secp256k1.makeKeypair(SECRET);
    const signature = await Secp256k1.createSignature(sha256(message), SECRET);
    const key = Secp256k1.compressPubkey(pair.pubkey);
    put("fixed", "Secp256k1.createSignature(sha256(message), key).toFixedLength()", {
      public_key: key,
      signature: signature.toFixedLength(),
      digest: sha256(message),
    });
    put("der", "Secp256k1.createSignature(sha256(message), key).toDer()", {
      public_key: key,
      signature: signature.toDer(),
      digest: sha256(message),
    });
  },
};

await programs[process.argv[2]]();
