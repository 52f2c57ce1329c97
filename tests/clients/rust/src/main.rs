//! A client of the validation service in Rust with generated stubs: mutual TLS, a bearer token, packed columns, errors.
//!
//!     client HOST:PORT FOLDER
//!
//! Prints a line for each thing it tried: a name, and what the service answered. tests/clients/test_clients.py makes the folder.

use std::error::Error;
use std::time::Duration;

use tokio_stream::StreamExt;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

pub mod pb {
    tonic::include_proto!("pycore.validation.v1");
}

use pb::validation_service_client::ValidationServiceClient;
use pb::verify_signature_stream_response::Outcome;
use pb::{Column, HashBatchRequest, Verdicts, VerifySignatureStreamRequest, VerifySignaturesRequest};

const PATIENCE: Duration = Duration::from_secs(240); // for what hangs

fn fixed(data: Vec<u8>, width: u32) -> Option<Column> {
    Some(Column { data: data.into(), width, ..Default::default() })
}

/// Code i is the verdict of item i; bit i of the bitmap says whether that is VALID.
fn shown(verdicts: &Verdicts) -> String {
    let bit = |i: usize| (verdicts.bitmap[i / 8] >> (i % 8)) & 1;
    let words: Vec<_> = verdicts.codes.iter().enumerate().map(|(i, code)| format!("{code}/{}", bit(i))).collect();
    words.join(" ")
}

/// A request with its token and its deadline, which the service is told.
fn request<T>(message: T, token: Option<&MetadataValue<Ascii>>, timeout: Duration) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(timeout);
    if let Some(token) = token {
        request.metadata_mut().insert("authorization", token.clone());
    }
    request
}

fn code<T>(answer: &Result<T, Status>) -> i32 {
    answer.as_ref().err().map_or(Code::Ok, Status::code) as i32
}

/// How long a RESOURCE_EXHAUSTED says to wait.
fn wait<T>(answer: &Result<T, Status>) -> Duration {
    let details = answer.as_ref().err().and_then(Status::get_details_retry_info);
    details.and_then(|info| info.retry_delay).unwrap_or_default()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let read = |name: &str| std::fs::read(format!("{}/{name}", arguments[2]));
    let token = |name: &str| -> Result<MetadataValue<Ascii>, Box<dyn Error>> {
        Ok(format!("Bearer {}", String::from_utf8(read(name)?)?.trim()).parse()?)
    };
    let (quick, slow) = (token("token")?, token("slow-token")?);

    let tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(read("roots.pem")?))
        .identity(Identity::from_pem(read("client.crt")?, read("client.key")?));
    let channel = Endpoint::from_shared(format!("https://{}", arguments[1]))?.tls_config(tls)?.connect().await?;

    let mut health = tonic_health::pb::health_client::HealthClient::new(channel.clone());
    let status = health.check(tonic_health::pb::HealthCheckRequest::default()).await?.into_inner().status();
    println!("health {}", status.as_str_name());

    // Answers may be larger than the default of 4 MiB.
    let mut client = ValidationServiceClient::new(channel.clone()).max_decoding_message_size(64 << 20);
    let batch = VerifySignaturesRequest {
        scheme: "ed25519".into(),
        public_keys: fixed(read("keys")?, 32),
        signatures: fixed(read("signatures")?, 64),
        messages: fixed(read("messages")?, 24),
        ..Default::default()
    };
    let answer = client.verify_signatures(request(batch.clone(), Some(&quick), PATIENCE)).await?.into_inner();
    println!("verdicts {}", shown(&answer.verdicts.unwrap_or_default()));

    println!("nobody {}", code(&client.verify_signatures(request(batch.clone(), None, PATIENCE)).await));

    let unknown = VerifySignaturesRequest { scheme: "rsa".into(), ..Default::default() };
    let refused = client.verify_signatures(request(unknown.clone(), Some(&quick), PATIENCE)).await;
    let details = refused.as_ref().err().and_then(Status::get_details_bad_request).ok_or("no BadRequest")?;
    println!("refused {} {}", code(&refused), details.field_violations[0].field);

    let mut answer = client.verify_signatures(request(batch.clone(), Some(&slow), PATIENCE)).await;
    for _ in 0..100 {
        if answer.is_ok() {
            answer = client.verify_signatures(request(batch.clone(), Some(&slow), PATIENCE)).await;
        }
    }
    println!("throttled {} {}", code(&answer), !wait(&answer).is_zero());
    while code(&answer) == Code::ResourceExhausted as i32 {
        tokio::time::sleep(wait(&answer)).await;
        answer = client.verify_signatures(request(batch.clone(), Some(&slow), PATIENCE)).await;
    }
    println!("waited {}", code(&answer));

    let batches = [(7, batch.clone()), (8, unknown), (9, batch)];
    let sent = batches.map(|(id, batch)| VerifySignatureStreamRequest { id, batch: Some(batch) });
    let mut answers =
        client.verify_signature_stream(request(tokio_stream::iter(sent), Some(&quick), PATIENCE)).await?.into_inner();
    print!("stream");
    while let Some(one) = answers.next().await {
        let one = one?;
        match one.outcome {
            Some(Outcome::Verdicts(verdicts)) => print!(" {}:{}", one.id, verdicts.valid_count),
            Some(Outcome::Error(error)) => print!(" {}:{}:{}", one.id, error.code, error.field),
            None => print!(" {}:nothing", one.id),
        }
    }
    println!();

    // A stream that nobody closes ends at its deadline.
    let never = tokio_stream::pending::<VerifySignatureStreamRequest>();
    let ended = match client.verify_signature_stream(request(never, Some(&quick), Duration::from_millis(300))).await {
        Ok(answers) => answers.into_inner().message().await.map(|_| ()),
        Err(status) => Err(status),
    };
    println!("deadline {}", code(&ended)); // CANCELLED, as tonic counted the time itself

    // An answer of 4.2 MiB, first with the limit that tonic has by itself.
    let offsets = vec![0; 4 * 140001].into();
    let messages = Some(Column { offsets, ..Default::default() });
    let hashes = HashBatchRequest { algorithm: "sha256".into(), messages };
    let mut small = ValidationServiceClient::new(channel);
    let large = small.hash_batch(request(hashes.clone(), Some(&quick), PATIENCE)).await;
    println!("large {} {}", code(&large), code(&client.hash_batch(request(hashes, Some(&quick), PATIENCE)).await));
    Ok(())
}
