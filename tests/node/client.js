// A client of the validation service for Node, written from "Call it from any language" in docs/guides/service.md.
//
//     node client.js HOST:PORT input.json
//
// input.json: {"scheme", "public_keys", "signatures", "messages" (arrays of hexadecimal), "block" (hexadecimal), "context"}.
// Prints one JSON object with what the service answered.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const grpc = require("@grpc/grpc-js");
const protoLoader = require("@grpc/proto-loader");

const PROTO = path.join(__dirname, "..", "..", "proto");
const definition = protoLoader.loadSync("pycore/validation/v1/validation_service.proto", {
  includeDirs: [PROTO],
  keepCase: true, // field names as in the .proto files
  longs: Number,
  enums: String,
  defaults: true,
});
const { ValidationService } = grpc.loadPackageDefinition(definition).pycore.validation.v1;

const bytes = (hex) => Buffer.from(hex, "hex");

// Row form: one bytes value per row. The simplest.
const rows = (values) => ({ rows: values });

// Fixed width: all rows one after another, and how long each is.
const fixed = (values) => ({ data: Buffer.concat(values), width: values[0].length });

// Ragged: all rows one after another, and n + 1 boundaries as unsigned 32-bit little-endian integers.
function ragged(values) {
  const offsets = Buffer.alloc(4 * (values.length + 1));
  values.reduce((end, value, i) => {
    offsets.writeUInt32LE(end + value.length, 4 * (i + 1));
    return end + value.length;
  }, 0);
  return { data: Buffer.concat(values), offsets };
}

// Lists of numbers: unsigned 64-bit little-endian integers.
function numbers(values) {
  const data = Buffer.alloc(8 * values.length);
  values.forEach((value, i) => data.writeBigUInt64LE(BigInt(value), 8 * i));
  return data;
}

// Bit i of the bitmap is item i, least significant bit first.
const isValid = (verdicts, i) => ((verdicts.bitmap[i >> 3] >> (i & 7)) & 1) === 1;

function shown(verdicts) {
  const valid = Array.from({ length: verdicts.count }, (_, i) => isValid(verdicts, i));
  return { codes: [...verdicts.codes], valid, count: verdicts.count, valid_count: verdicts.valid_count };
}

async function main(target, file) {
  const input = JSON.parse(fs.readFileSync(file, "utf8"));
  const client = new ValidationService(target, grpc.credentials.createInsecure());
  const call = (method, request) =>
    new Promise((resolve, reject) => {
      const deadline = new Date(Date.now() + 240000); // for what hangs
      client[method](request, { deadline }, (error, answer) => (error ? reject(error) : resolve(answer)));
    });

  const [keys, signatures, messages] = ["public_keys", "signatures", "messages"].map((name) => input[name].map(bytes));
  const verify = async (form) => {
    const request = { scheme: input.scheme, public_keys: form(keys), signatures: form(signatures), messages: ragged(messages) };
    return shown((await call("VerifySignatures", request)).verdicts);
  };
  const result = { rows: await verify(rows), fixed: await verify(fixed), ragged: await verify(ragged) };

  const empty = { scheme: input.scheme, public_keys: rows(keys), signatures: rows(signatures), messages: rows(messages) };
  result.empty_id = shown((await call("VerifySignatures", { ...empty, user_id: Buffer.alloc(0) })).verdicts);
  result.no_id = shown((await call("VerifySignatures", { ...empty, no_user_id: true })).verdicts);

  const { report } = await call("ValidateBlock", {
    chain: "chainmaker",
    block: bytes(input.block),
    context_json: Buffer.from(input.context, "utf8"),
  });
  result.report = {
    valid: report.valid,
    complete: report.complete,
    height: report.height,
    block_hash: report.block_hash.toString("hex"),
    checks: report.checks.map((check) => [check.name, check.status]),
    transactions: shown(report.transactions),
    invalid: report.invalid_transactions.map((fault) => [fault.index, fault.verdict, fault.tx_id]),
  };

  const leaves = rows(messages);
  const built = await call("BuildMerkleTree", { leaves, indices: numbers([0, 10]) });
  result.root = built.root.toString("hex");
  const proof = built.proofs.data.subarray(0, built.proofs.offsets.readUInt32LE(4));
  const inclusion = {
    root: rows([built.root]), leaves: rows([messages[0], messages[1]]), proofs: rows([proof, proof]),
    index: numbers([0, 0]), leaf_count: numbers([messages.length]),
  };
  result.inclusion = shown((await call("VerifyInclusion", inclusion)).verdicts).valid;

  const error = await call("VerifySignatures", { ...empty, scheme: "rsa" }).catch((caught) => caught);
  result.error = { code: grpc.status[error.code], details: error.details };

  result.stream = await new Promise((resolve, reject) => {
    const answers = [];
    const stream = client.VerifySignatureStream();
    stream.on("data", (answer) => answers.push([answer.id, answer.verdicts ? shown(answer.verdicts).valid_count : null]));
    stream.on("end", () => resolve(answers));
    stream.on("error", reject);
    for (const id of [7, 8, 9]) stream.write({ id, batch: { ...empty } });
    stream.end();
  });

  const capabilities = await call("GetCapabilities", {});
  result.schemes = capabilities.schemes.map((scheme) => scheme.name);
  client.close();
  process.stdout.write(JSON.stringify(result) + "\n");
}

main(process.argv[2], process.argv[3]).catch((error) => {
  process.stderr.write(`${error.stack ?? error}\n`);
  process.exitCode = 1;
});
