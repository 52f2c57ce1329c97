// Proofs of JavaScript packages, and a message that one of them rewrites; the argument is the package. One JSON object a
// line.
import { createRequire } from "node:module";
import crypto from "node:crypto";
import fs from "node:fs";
const require = createRequire(process.cwd() + "/");
const hex = (one) => Buffer.from(one).toString("hex");
const put = (what, call, parts) => {
  const row = { what, call };
  for (const [name, value] of Object.entries(parts)) {
    row[name] =
      typeof value === "number"
        ? value
        : Array.isArray(value)
          ? value.map(hex)
          : typeof value === "string"
            ? value
            : hex(value);
  }
  console.log(JSON.stringify(row));
};

const programs = {
  "@ethereumjs/mpt": async () => {
    const { createMPT, createMerkleProof } = await import(require.resolve("@ethereumjs/mpt"));
    const trie = await createMPT();
    for (let i = 0; i < 20; i++) await trie.put(Buffer.from("key" + i), Buffer.from("v" + i));
    put("embedded", "createMerkleProof(trie, key)", {
      root: trie.root(),
      key: Buffer.from("key7"),
      value: Buffer.from("v7"),
      proof: await createMerkleProof(trie, Buffer.from("key7")),
    });
    put("absent", "createMerkleProof(trie, absent key)", {
      root: trie.root(),
      key: Buffer.from("key777"),
      proof: await createMerkleProof(trie, Buffer.from("key777")),
    });
    const secure = await createMPT({ useKeyHashing: true });
    for (let i = 0; i < 20; i++)
      await secure.put(
        Buffer.from("key" + i),
        crypto
          .createHash("sha256")
          .update("v" + i)
          .digest(),
      );
    put("hashed-keys", "createMerkleProof(trie with useKeyHashing, key)", {
      root: secure.root(),
      key: Buffer.from("key7"),
      value: crypto.createHash("sha256").update("v7").digest(),
      proof: await createMerkleProof(secure, Buffer.from("key7")),
    });
  },
  merkletreejs: () => {
    const { MerkleTree } = require("merkletreejs");
    const sha256 = (data) => crypto.createHash("sha256").update(data).digest();
    const five = [0, 1, 2, 3, 4].map((i) => sha256(Buffer.from("leaf " + i)));
    for (const [what, options] of [
      ["default", {}],
      ["duplicate-odd", { duplicateOdd: true }],
      ["bitcoin", { isBitcoinTree: true }],
    ]) {
      const leaves = what === "default" ? five.slice(0, 4) : five;
      const tree = new MerkleTree(leaves, sha256, options);
      const proof = tree.getProof(leaves[2], 2).map((step) => step.data);
      put(what, `new MerkleTree(hashes, sha256, ${JSON.stringify(options)}).getProof(hash, 2)`, {
        root: tree.getRoot(),
        leaf: leaves[2],
        proof,
        index: 2,
        leaf_count: leaves.length,
      });
    }
  },
  "cosmjs-types": () => {
    // The argument after the package: a Commit in protobuf, hexadecimal, which pycore signed.
    const { Commit } = require("cosmjs-types/tendermint/types/types");
    const commit = Commit.decode(Buffer.from(fs.readFileSync(process.argv[3], "utf8").trim(), "hex"));
    put("commit-protobuf", "Commit.encode(Commit.decode(bytes)).finish()", { commit: Commit.encode(commit).finish() });
    put("commit-json", "Commit.encode(Commit.fromJSON(Commit.toJSON(commit))).finish()", {
      commit: Commit.encode(Commit.fromJSON(Commit.toJSON(commit))).finish(),
    });
  },
};
await programs[process.argv[2]]();
