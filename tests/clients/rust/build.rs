// Generates the stubs from PYCORE_PROTO, the folder proto/ of the project, with the protoc that $PROTOC names or the path has.
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let proto = PathBuf::from(std::env::var("PYCORE_PROTO")?);
    println!("cargo:rerun-if-env-changed=PYCORE_PROTO");
    let service = proto.join("pycore/validation/v1/validation_service.proto");
    tonic_prost_build::configure()
        .build_server(false)
        .bytes(".") // columns and verdicts as `Bytes`, which are not copied when a request is sent twice
        .compile_protos(&[service], &[proto])?;
    Ok(())
}
