// SM2 signatures of Go modules. One JSON object a line.
package main

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"

	emmansun "github.com/emmansun/gmsm/sm2"
	tjfoc "github.com/tjfoc/gmsm/sm2"
)

var message = []byte("a message")

func put(what, pkg, call string, x, y *big.Int, signature []byte, extra map[string]string) {
	key := append(append([]byte{4}, x.FillBytes(make([]byte, 32))...), y.FillBytes(make([]byte, 32))...)
	row := map[string]string{"what": what, "package": pkg, "call": call, "public_key": hex.EncodeToString(key),
		"signature": hex.EncodeToString(signature), "message": hex.EncodeToString(message)}
	for name, value := range extra {
		row[name] = value
	}
	line, _ := json.Marshal(row)
	fmt.Println(string(line))
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func main() {
	const one = "github.com/tjfoc/gmsm"
	old := must(tjfoc.GenerateKey(rand.Reader))
	put("sign", one, "key.Sign(rand.Reader, message, nil)", old.X, old.Y, must(old.Sign(rand.Reader, message, nil)), nil)
	r, s, err := tjfoc.Sm2Sign(old, message, nil, rand.Reader)
	if err != nil {
		panic(err)
	}
	both := append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	put("sm2sign", one, "r, s, err := sm2.Sm2Sign(key, message, nil, rand.Reader)", old.X, old.Y, both, nil)

	const other = "github.com/emmansun/gmsm"
	key := must(emmansun.GenerateKey(rand.Reader))
	plain := must(key.Sign(rand.Reader, message, emmansun.NewSM2SignerOption(true, nil)))
	put("force-gm", other, "key.Sign(rand.Reader, message, sm2.NewSM2SignerOption(true, nil))", key.X, key.Y, plain, nil)
	withID := must(key.SignWithSM2(rand.Reader, nil, message))
	put("with-sm2-nil", other, "key.SignWithSM2(rand.Reader, nil, message)", key.X, key.Y, withID, nil)
	number := must(key.Sign(rand.Reader, message, nil))
	put("nil-opts", other, "key.Sign(rand.Reader, message, nil)", key.X, key.Y, number, nil)
}
