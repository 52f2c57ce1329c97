#!/bin/sh
# tonic 0.14.9 (Rust): a call whose own time (`Request::set_timeout`) passes without an answer ends with CANCELLED, "Timeout
# expired". gRPC's status for that is DEADLINE_EXCEEDED, which the libraries for Go, Java, Node and Python give. Code that
# tries again after DEADLINE_EXCEEDED, or that reads CANCELLED as somebody having called the call off, does the wrong thing.
# Touches pycore's users in Rust: docs/guides/clients.md says so.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir src
cat >Cargo.toml <<'TOML'
[package]
name = "finding"
version = "0.0.0"
edition = "2021"

[dependencies]
tokio = { version = "=1.54.1", features = ["macros", "net", "rt", "time"] }
tonic = { version = "=0.14.9", default-features = false, features = ["channel"] }
tonic-health = { version = "=0.14.9", default-features = false }
TOML
cat >src/main.rs <<'RUST'
use std::time::Duration;
use tonic::{transport::Endpoint, Code, Request};
use tonic_health::pb::{health_client::HealthClient, HealthCheckRequest};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap(); // takes connections and says nothing
    let target = format!("http://{}", silent.local_addr().unwrap());
    let mut client = HealthClient::new(Endpoint::from_shared(target).unwrap().connect_lazy());
    let mut request = Request::new(HealthCheckRequest::default());
    request.set_timeout(Duration::from_millis(200));
    let status = client.check(request).await.unwrap_err();
    println!("tonic 0.14.9, 200 ms without an answer: {:?}, {:?}", status.code(), status.message());
    assert_eq!((status.code(), status.message()), (Code::Cancelled, "Timeout expired"), "changed");
}
RUST
cargo run -q 2>errors || { cat errors; exit 1; }
