// A client of the validation service in Node: mutual TLS, a bearer token, packed columns, errors.
//
//     node client.js HOST:PORT FOLDER
//
// Prints a line for each thing it tried: a name, and what the service answered. tests/clients/test_clients.py makes the folder.
// PYCORE_PROTO is the project's folder proto/; grpc-js reads it at run time, so nothing is generated.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const grpc = require("@grpc/grpc-js");
const protoLoader = require("@grpc/proto-loader");

const PATIENCE = 240000; // milliseconds, for what hangs
const [target, folder] = process.argv.slice(2);
const read = (name) => fs.readFileSync(path.join(folder, name));

const options = { keepCase: true, longs: Number, enums: String, defaults: true, oneofs: true };
const load = (file, folder) => protoLoader.loadSync(file, { ...options, includeDirs: [folder] });
const service = grpc.loadPackageDefinition(load("pycore/validation/v1/validation_service.proto", process.env.PYCORE_PROTO));
const { ValidationService } = service.pycore.validation.v1;
const { Health } = grpc.loadPackageDefinition(load("health.proto", __dirname)).grpc.health.v1;
const messages = load("errors.proto", __dirname);

// What the channel does by itself: calls go round over all addresses of the name, and what never reached a handler is sent again.
const serviceConfig = {
  loadBalancingConfig: [{ round_robin: {} }],
  methodConfig: [
    {
      name: [{ service: "pycore.validation.v1.ValidationService" }],
      retryPolicy: {
        maxAttempts: 4,
        initialBackoff: "0.05s",
        maxBackoff: "1s",
        backoffMultiplier: 2,
        retryableStatusCodes: ["UNAVAILABLE"],
      },
    },
  ],
};

const tls = grpc.credentials.createSsl(read("roots.pem"), read("client.key"), read("client.crt"));
const channelOptions = {
  "grpc.service_config": JSON.stringify(serviceConfig),
  "grpc.max_receive_message_length": 64 << 20, // answers may be larger than the default of 4 MiB
};
const client = new ValidationService(`dns:///${target}`, tls, channelOptions);

// A token as metadata of a call. It goes to whoever answers: use TLS with it.
const bearer = (name) => {
  const metadata = new grpc.Metadata();
  if (name) metadata.set("authorization", `Bearer ${read(name).toString().trim()}`);
  return metadata;
};

const call = (method, request, metadata = bearer(), on = client) =>
  new Promise((resolve) => {
    const deadline = new Date(Date.now() + PATIENCE);
    method.call(on, request, metadata, { deadline }, (error, answer) =>
      resolve({ code: error ? error.code : grpc.status.OK, error, answer }),
    );
  });

// The field that an INVALID_ARGUMENT names, and how many milliseconds a RESOURCE_EXHAUSTED says to wait.
function details(error) {
  const found = { field: "", wait: 0 };
  const [raw] = error.metadata.get("grpc-status-details-bin");
  for (const { type_url, value } of raw ? messages["details.Status"].deserialize(raw).details : []) {
    const kind = type_url.split("google.rpc.")[1];
    if (kind === "BadRequest") found.field = messages["details.BadRequest"].deserialize(value).field_violations[0].field;
    if (kind === "RetryInfo") {
      const { seconds, nanos } = messages["details.RetryInfo"].deserialize(value).retry_delay;
      found.wait = seconds * 1000 + nanos / 1e6;
    }
  }
  return found;
}

const fixed = (data, width) => ({ data, width });

// Code i is the verdict of item i; bit i of the bitmap says whether that is VALID.
const shown = ({ codes, bitmap }) => [...codes].map((code, i) => `${code}/${(bitmap[i >> 3] >> (i & 7)) & 1}`).join(" ");

async function main() {
  const health = new Health(`dns:///${target}`, tls);
  const checked = await new Promise((resolve, reject) =>
    health.Check({}, { deadline: Date.now() + PATIENCE }, (error, answer) => (error ? reject(error) : resolve(answer))),
  );
  health.close();
  console.log("health", checked.status);

  const request = {
    scheme: "ed25519",
    public_keys: fixed(read("keys"), 32),
    signatures: fixed(read("signatures"), 64),
    messages: fixed(read("messages"), 24),
  };
  const { answer, error } = await call(client.VerifySignatures, request, bearer("token"));
  if (error) throw error;
  console.log("verdicts", shown(answer.verdicts));

  console.log("nobody", (await call(client.VerifySignatures, request)).code);

  const unknown = { scheme: "rsa" };
  const refused = await call(client.VerifySignatures, unknown, bearer("token"));
  console.log("refused", refused.code, details(refused.error).field);

  let one = await call(client.VerifySignatures, request, bearer("slow-token"));
  for (let i = 0; i < 100 && !one.error; i++) one = await call(client.VerifySignatures, request, bearer("slow-token"));
  console.log("throttled", one.code, details(one.error).wait > 0);
  while (one.code === grpc.status.RESOURCE_EXHAUSTED) {
    await new Promise((resolve) => setTimeout(resolve, Math.ceil(details(one.error).wait)));
    one = await call(client.VerifySignatures, request, bearer("slow-token"));
  }
  console.log("waited", one.code);

  const answers = await new Promise((resolve, reject) => {
    const found = [];
    const stream = client.VerifySignatureStream(bearer("token"), { deadline: Date.now() + PATIENCE });
    stream.on("data", ({ id, error, verdicts }) =>
      found.push(error ? `${id}:${error.code}:${error.field}` : `${id}:${verdicts.valid_count}`),
    );
    stream.on("end", () => resolve(found));
    stream.on("error", reject);
    [request, unknown, request].forEach((batch, i) => stream.write({ id: 7 + i, batch }));
    stream.end();
  });
  console.log("stream", ...answers);

  // A stream that nobody closes ends at its deadline.
  const ended = await new Promise((resolve) => {
    const stream = client.VerifySignatureStream(bearer("token"), { deadline: Date.now() + 300 });
    stream.on("data", () => {});
    stream.on("error", (error) => resolve(error.code));
    stream.on("end", () => resolve(grpc.status.OK));
  });
  console.log("deadline", ended);

  // An answer of 4.2 MiB, first with the limit that grpc-js has by itself.
  const hashes = { algorithm: "sha256", messages: { offsets: Buffer.alloc(4 * 140001) } };
  const small = new ValidationService(`dns:///${target}`, tls);
  const large = await call(small.HashBatch, hashes, bearer("token"), small);
  console.log("large", large.code, (await call(client.HashBatch, hashes, bearer("token"))).code);
  small.close();
  client.close();
}

main().catch((error) => {
  process.stderr.write(`${error.stack ?? error}\n`);
  process.exitCode = 1;
});
