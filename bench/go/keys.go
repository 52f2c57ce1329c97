package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"math/big"

	"github.com/tjfoc/gmsm/sm2"
)

var curves = map[string]elliptic.Curve{
	"ecdsa-p256": elliptic.P256(),
	"ecdsa-p384": elliptic.P384(),
	"ecdsa-p521": elliptic.P521(),
}

func coordinates(point []byte) (x, y *big.Int) {
	half := len(point) / 2
	return new(big.Int).SetBytes(point[1 : half+1]), new(big.Int).SetBytes(point[half+1:])
}

func sm2Key(point []byte) *sm2.PublicKey {
	x, y := coordinates(point)
	return &sm2.PublicKey{Curve: sm2.P256Sm2(), X: x, Y: y}
}

func ecdsaKey(curve elliptic.Curve, point []byte) *ecdsa.PublicKey {
	x, y := coordinates(point)
	return &ecdsa.PublicKey{Curve: curve, X: x, Y: y}
}

// rsaKey is nil for bytes that are not an RSAPublicKey.
func rsaKey(der []byte) *rsa.PublicKey {
	key, err := x509.ParsePKCS1PublicKey(der)
	if err != nil {
		return nil
	}
	return key
}
