// The calls of BIF-Core-SDK-Go that tests/ledgers/test_bif_peers.py compares with, and bench/chains_bif.py measures: one
// JSON object a line in, one out. "load" keeps a signed transaction and the hash that it should have, and "count" answers
// how many of these have that hash and a signature of their source.
package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"

	"github.com/caict-4iot-dev/BIF-Core-SDK-Go/module/encryption/key"
	chain "github.com/caict-4iot-dev/BIF-Core-SDK-Go/proto"
	"github.com/caict-4iot-dev/BIF-Core-SDK-Go/utils/hash"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

type request struct {
	Op, Key, Private, Code, Address string
	Message, Signature, Hash        string
	Kind                            int
}

type loaded struct {
	blob, hash, public, signature []byte
	source                        string
}

var kept []loaded

func (tx loaded) signed() bool {
	if !bytes.Equal(hash.GenerateHashHex(tx.blob, key.ED25519), tx.hash) {
		return false
	}
	manager, err := key.GetPublicKeyManagerByPublicKey(string(tx.public))
	return err == nil && manager.EncAddress == tx.source && key.Verify(tx.public, tx.blob, tx.signature)
}

func octets(text string) []byte {
	data, err := hex.DecodeString(text)
	if err != nil {
		panic(err)
	}
	return data
}

func answer(asked request) (found any) {
	defer func() {
		if reason := recover(); reason != nil {
			found = map[string]string{"panic": fmt.Sprint(reason)}
		}
	}()
	switch asked.Op {
	case "address":
		return key.GetEncAddress(octets(asked.Key), asked.Code, asked.Kind)
	case "valid":
		return key.IsAddressValid(asked.Address)
	case "public":
		text, err := key.GetEncPublicKey([]byte(asked.Private))
		if err != nil {
			return map[string]string{"error": err.Error()}
		}
		return text
	case "sign":
		made, err := key.Sign([]byte(asked.Private), octets(asked.Message))
		if err != nil {
			return map[string]string{"error": err.Error()}
		}
		return hex.EncodeToString(made)
	case "verify":
		return key.Verify([]byte(asked.Key), octets(asked.Message), octets(asked.Signature))
	case "load":
		tx := &chain.TransactionEnv{}
		if err := proto.Unmarshal(octets(asked.Message), tx); err != nil {
			return map[string]string{"error": err.Error()}
		}
		blob, _ := proto.Marshal(tx.Transaction)
		first := tx.Signatures[0]
		kept = append(kept, loaded{
			blob, octets(asked.Hash), []byte(first.PublicKey), first.SignData, tx.Transaction.SourceAddress,
		})
		return true
	case "count":
		valid := 0
		for _, tx := range kept {
			if tx.signed() {
				valid++
			}
		}
		return valid
	case "blob":
		tx := &chain.Transaction{}
		if err := proto.Unmarshal(octets(asked.Message), tx); err != nil {
			return map[string]string{"error": err.Error()}
		}
		again, _ := proto.Marshal(tx)
		shown, _ := protojson.MarshalOptions{UseProtoNames: true}.Marshal(tx)
		return map[string]any{
			"blob": hex.EncodeToString(again),
			"hash": hex.EncodeToString(hash.GenerateHashHex(again, key.ED25519)),
			"json": json.RawMessage(shown),
		}
	}
	return nil
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var asked request
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			panic(err)
		}
		text, err := json.Marshal(answer(asked))
		if err != nil {
			panic(err)
		}
		fmt.Println(string(text))
	}
}
