// The reference implementation of ICS-23 as tests/ics23/test_reference.py compares with it, and bench/ics23.py measures.
//
// Lines of hexadecimal words come in, lines of one word go out. "-" is an empty word.
//
//	exist SPEC ROOT PROOF KEY VALUE      "1", "0", or "panic"
//	absent SPEC ROOT PROOF KEY           the same
//	keep SPEC ROOT PROOF KEY VALUE       kept for "run", answered with "1"
//	run                                  reads and verifies what was kept; how many hold, nanoseconds of the processor
//
// SPEC is "iavl", "tendermint", "smt", or a serialised ProofSpec in hexadecimal.
package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"

	ics23 "github.com/cosmos/ics23/go"
)

type claim struct {
	spec                    *ics23.ProofSpec
	root, proof, key, value []byte
}

func octets(word string) []byte {
	if word == "-" {
		return []byte{}
	}
	data, err := hex.DecodeString(word)
	if err != nil {
		panic(err)
	}
	return data
}

func spec(word string) *ics23.ProofSpec {
	switch word {
	case "iavl":
		return ics23.IavlSpec
	case "tendermint":
		return ics23.TendermintSpec
	case "smt":
		return ics23.SmtSpec
	}
	made := new(ics23.ProofSpec)
	if err := made.Unmarshal(octets(word)); err != nil {
		panic(err)
	}
	return made
}

func read(words []string) claim {
	made := claim{spec: spec(words[1]), root: octets(words[2]), proof: octets(words[3]), key: octets(words[4])}
	if len(words) > 5 {
		made.value = octets(words[5])
	}
	return made
}

func (c claim) holds(absent bool) bool {
	proof := new(ics23.CommitmentProof)
	if proof.Unmarshal(c.proof) != nil {
		return false
	}
	if absent {
		return ics23.VerifyNonMembership(c.spec, c.root, proof, c.key)
	}
	return ics23.VerifyMembership(c.spec, c.root, proof, c.key, c.value)
}

func answer(c claim, absent bool) (word string) {
	defer func() {
		if recover() != nil {
			word = "panic"
		}
	}()
	if c.holds(absent) {
		return "1"
	}
	return "0"
}

// Nanoseconds of processor time so far, of all threads.
func spent() int64 {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return used.Utime.Nano() + used.Stime.Nano()
}

func main() {
	runtime.GOMAXPROCS(1)
	in, out := bufio.NewReaderSize(os.Stdin, 1<<20), bufio.NewWriter(os.Stdout)
	var kept []claim
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			break
		}
		words := strings.Fields(line)
		switch words[0] {
		case "keep":
			kept = append(kept, read(words))
			fmt.Fprintln(out, 1)
		case "run":
			valid, start := 0, spent()
			for _, c := range kept {
				if c.holds(false) {
					valid++
				}
			}
			fmt.Fprintln(out, valid, spent()-start)
		default:
			fmt.Fprintln(out, answer(read(words), words[0] == "absent"))
		}
		if in.Buffered() == 0 {
			out.Flush()
		}
	}
	out.Flush()
}
