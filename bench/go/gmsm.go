//go:build !chainmaker

package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha3"
	"encoding/asn1"
	"math/big"

	"github.com/tjfoc/gmsm/sm2"
	"github.com/tjfoc/gmsm/sm3"
)

// What ChainMaker's default engine is made of: tjfoc's SM2, the standard library's ECDSA, RSA and DER. As there, bytes
// behind the SEQUENCE of a signature do not matter, SM2 over SM3 puts Z of the standard identifier before the message,
// SM2 over another hash has no Z, and RSA on an SM3 chain hashes with SHA-256.

var identifier = []byte("1234567812345678")

var hashes = map[string]func([]byte) []byte{
	"sm3":      sm3.Sm3Sum,
	"sha256":   func(data []byte) []byte { sum := sha256.Sum256(data); return sum[:] },
	"sha3-256": func(data []byte) []byte { sum := sha3.Sum256(data); return sum[:] },
	"digest":   func(data []byte) []byte { return data },
}

// open gives what verifies with a key, or nil for a kind or hash that it does not know.
func open(kind, hash string, key []byte) verifier {
	digest := hashes[hash]
	if digest == nil {
		return nil
	}
	switch {
	case kind == "sm2":
		public := sm2Key(key)
		return scalars(func(message []byte, r, s *big.Int) bool {
			if hash == "sm3" {
				return sm2.Sm2Verify(public, message, identifier, r, s)
			}
			return sm2.Verify(public, digest(message), r, s)
		})
	case kind == "rsa" && hash != "digest" && rsaKey(key) != nil:
		public, algorithm := rsaKey(key), crypto.SHA256
		switch hash {
		case "sm3":
			digest = hashes["sha256"]
		case "sha3-256":
			algorithm = crypto.SHA3_256
		}
		return func(message, signature []byte) bool {
			return rsa.VerifyPKCS1v15(public, algorithm, digest(message), signature) == nil
		}
	case curves[kind] != nil:
		public := ecdsaKey(curves[kind], key)
		return scalars(func(message []byte, r, s *big.Int) bool {
			return ecdsa.Verify(public, digest(message), r, s)
		})
	}
	return nil
}

func scalars(verify func(message []byte, r, s *big.Int) bool) verifier {
	return func(message, signature []byte) bool {
		var found struct{ R, S *big.Int }
		if _, err := asn1.Unmarshal(signature, &found); err != nil {
			return false
		}
		return verify(message, found.R, found.S)
	}
}
