// Verifies every bundle of a folder over gRPC, and changed copies of it; written from docs/guides/service.md.
//
//     node bundles.js HOST:PORT FOLDER
//
// FOLDER has NAME.bundle and NAME.trusted.json files. Prints one JSON object: name -> what the service answered.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const grpc = require("@grpc/grpc-js");
const protoLoader = require("@grpc/proto-loader");

const PROTO = path.join(__dirname, "..", "..", "proto");
const definition = protoLoader.loadSync("pycore/validation/v1/validation_service.proto", {
  includeDirs: [PROTO],
  keepCase: true,
  longs: Number,
  enums: String,
  defaults: true,
});
const { ValidationService } = grpc.loadPackageDefinition(definition).pycore.validation.v1;

async function main(target, folder) {
  const client = new ValidationService(target, grpc.credentials.createInsecure());
  const call = (method, request) =>
    new Promise((resolve, reject) => {
      const deadline = new Date(Date.now() + 240000); // for what hangs
      client[method](request, { deadline }, (error, answer) => (error ? reject(error) : resolve(answer)));
    });

  const result = {};
  for (const file of fs.readdirSync(folder).filter((name) => name.endsWith(".bundle"))) {
    const name = file.slice(0, -".bundle".length);
    const bundle = fs.readFileSync(path.join(folder, file));
    const trusted_json = fs.readFileSync(path.join(folder, `${name}.trusted.json`));
    const { report } = await call("VerifyBundle", { trusted_json, bundle });
    const moved = await call("AdvanceTrust", { trusted_json, bundle });
    const answer = {
      proven: report.proven,
      height: report.height,
      facts: JSON.parse(report.facts_json.toString("utf8")),
      voters: report.certified_by,
      checks: report.checks.map((check) => [check.name, check.status]),
      moved: moved.trusted_json.length > 0,
      changed: false,
      refusals: 0,
    };
    for (let at = 0; at < bundle.length; at += 1 + (bundle.length >> 4)) {
      const other = Buffer.from(bundle);
      other[at] ^= 1;
      try {
        const found = await call("VerifyBundle", { trusted_json, bundle: other });
        answer.changed ||= found.report.proven || found.report.facts_json.length > 0;
      } catch (error) {
        if (error.code !== grpc.status.INVALID_ARGUMENT) throw error;
        answer.refusals += 1;
      }
    }
    result[name] = answer;
  }
  client.close();
  process.stdout.write(JSON.stringify(result) + "\n");
}

main(process.argv[2], process.argv[3]).catch((error) => {
  process.stderr.write(`${error.stack ?? error}\n`);
  process.exitCode = 1;
});
