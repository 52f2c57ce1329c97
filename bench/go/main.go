// Command verdicts says what ChainMaker's Go code thinks of signatures: one answer a line, or the time for many.
//
// Each line of its input has five fields between spaces, byte strings in hexadecimal and "-" for an empty one:
//
//	KIND KEY HASH MESSAGE SIGNATURE
//
// KIND is sm2, ecdsa-p256, ecdsa-p384, ecdsa-p521, ecdsa-secp256k1 or rsa; KEY a point of SEC 1 (0x04 || x || y), of RSA
// the PKCS#1 RSAPublicKey; HASH sm3, sha256, sha3-256, or digest where MESSAGE is one. The answer is "valid", "invalid",
// or "unknown" of kinds and hashes that the build does not have. With the argument -quiet signatures are only kept, and a
// line "run N" verifies the first N of them, on one thread; the answer is the number of valid ones.
//
// Who verifies is chosen when it is built: see gmsm.go and chainmaker.go.
package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"log"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// A verifier holds a key, so that a key is parsed once.
type verifier func(message, signature []byte) bool

type item struct {
	verify             verifier
	message, signature []byte
}

func count(items []item) (valid int) {
	for _, one := range items {
		if one.verify(one.message, one.signature) {
			valid++
		}
	}
	return valid
}

func answer(one item) string {
	switch {
	case one.verify == nil:
		return "unknown"
	case one.verify(one.message, one.signature):
		return "valid"
	}
	return "invalid"
}

func octets(word string) []byte {
	if word == "-" {
		return []byte{}
	}
	data, err := hex.DecodeString(word)
	if err != nil {
		log.Fatal(err)
	}
	return data
}

func main() {
	runtime.GOMAXPROCS(1)
	quiet := len(os.Args) > 1 && os.Args[1] == "-quiet"
	keys := map[string]verifier{}
	var items []item
	input := bufio.NewScanner(os.Stdin)
	input.Buffer(nil, 1<<26)
	output := bufio.NewWriter(os.Stdout)
	defer output.Flush()
	for input.Scan() {
		words := strings.Fields(input.Text())
		switch {
		case len(words) == 2 && words[0] == "run":
			n, err := strconv.Atoi(words[1])
			if err != nil || n < 0 || n > len(items) {
				log.Fatalf("run: got %q, wanted at most %d", words[1], len(items))
			}
			fmt.Fprintln(output, count(items[:n]))
			output.Flush()
		case len(words) == 5:
			name := strings.Join(words[:3], " ")
			verify, known := keys[name]
			if !known {
				verify = open(words[0], words[2], octets(words[1]))
				keys[name] = verify
			}
			one := item{verify, octets(words[3]), octets(words[4])}
			if quiet {
				items = append(items, one)
			} else {
				fmt.Fprintln(output, answer(one))
			}
		default:
			log.Fatalf("got %d fields, wanted KIND KEY HASH MESSAGE SIGNATURE", len(words))
		}
	}
	if err := input.Err(); err != nil {
		log.Fatal(err)
	}
}
