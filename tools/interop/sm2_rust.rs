//! SM2 signatures of Rust crates. One JSON object a line.
use libsm::sm2::signature::SigCtx;
use sm2::dsa::{signature::Signer, SigningKey};
use sm2::SecretKey;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn put(what: &str, package: &str, call: &str, key: &[u8], signature: &[u8]) {
    let (key, signature, message) = (hex(key), hex(signature), hex(b"a message"));
    println!("{{\"what\": \"{what}\", \"package\": \"{package}\", \"call\": \"{call}\", \"public_key\": \"{key}\", \"signature\": \"{signature}\", \"message\": \"{message}\"}}");
}

fn main() {
    let secret = [
        0x1bu8, 0x4f, 0x0e, 0x98, 0x51, 0x97, 0x19, 0x98, 0xe7, 0x32, 0x07, 0x85, 0x44, 0xc9, 0x6b, 0x36, 0xc3, 0xd0,
        0x1c, 0xed, 0xf7, 0xca, 0xa3, 0x32, 0x35, 0x9d, 0x6f, 0x1d, 0x83, 0x56, 0x70, 0x14,
    ];
    let key = SecretKey::from_slice(&secret).unwrap();
    for id in ["1234567812345678", ""] {
        let signer = SigningKey::new(id, &key).unwrap();
        let signature = signer.sign(b"a message");
        let what = if id.is_empty() { "empty-id" } else { "sign" };
        put(
            what,
            "sm2",
            &format!("SigningKey::new('{id}', &key).sign(message)"),
            &key.public_key().to_sec1_bytes(),
            &signature.to_bytes(),
        );
    }
    let context = SigCtx::new();
    let (public, secret) = context.new_keypair().unwrap();
    let point = context.serialize_pubkey(&public, true).unwrap();
    let signature = context.sign(b"a message", &secret, &public).unwrap();
    put(
        "sign",
        "libsm",
        "SigCtx::new().sign(message, &key, &public).der_encode()",
        &point,
        &signature.der_encode(),
    );
}
