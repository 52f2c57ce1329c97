//go:build chainmaker

package main

import (
	"chainmaker.org/chainmaker/common/v2/crypto"
	"chainmaker.org/chainmaker/common/v2/crypto/asym/ecdsa"
	"chainmaker.org/chainmaker/common/v2/crypto/asym/rsa"
	"chainmaker.org/chainmaker/common/v2/crypto/asym/sm2"
	"github.com/btcsuite/btcd/btcec"
)

// ChainMaker's common module, as its access control calls it: VerifyWithOpts of a member's key. Keys are made here and
// not by its package asym, which links the C libraries of the other engines.

var hashes = map[string]crypto.HashType{
	"sm3":      crypto.HASH_TYPE_SM3,
	"sha256":   crypto.HASH_TYPE_SHA256,
	"sha3-256": crypto.HASH_TYPE_SHA3_256,
}

// open gives what verifies with a key, or nil for a kind or hash that it does not know.
func open(kind, hash string, key []byte) verifier {
	var options *crypto.SignOpts // without any, the message is the digest
	if hash != "digest" {
		algorithm, ok := hashes[hash]
		if !ok {
			return nil
		}
		options = &crypto.SignOpts{Hash: algorithm, UID: crypto.CRYPTO_DEFAULT_UID}
	}
	var public crypto.PublicKey
	switch {
	case kind == "sm2":
		public = &sm2.PublicKey{K: sm2Key(key)}
	case kind == "rsa" && hash != "digest" && rsaKey(key) != nil:
		public = &rsa.PublicKey{K: rsaKey(key)}
	case kind == "ecdsa-secp256k1":
		public = &ecdsa.PublicKey{K: ecdsaKey(btcec.S256(), key)}
	case curves[kind] != nil:
		public = &ecdsa.PublicKey{K: ecdsaKey(curves[kind], key)}
	default:
		return nil
	}
	return func(message, signature []byte) bool {
		valid, err := public.VerifyWithOpts(message, signature, options)
		return valid && err == nil
	}
}
