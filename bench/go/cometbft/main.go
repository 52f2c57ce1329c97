// CometBFT's own verification of commits as a peer: reads a line, answers a line; bytes in hexadecimal.
//
//	set VALIDATORSET             the set for what follows: how many validators, or "refused REASON"
//	load SIGNEDHEADER            keeps it; how many are kept, or "refused REASON"
//	run MODE                     verifies what is kept, on one thread: how many are valid
//	wire MODE                    the same from the bytes: parsed, hashed and checked by itself as well
//
// MODE is full, light, all, or trusting/N/D and trusting-all/N/D. From the bytes a commit is also refused where the header
// and it do not belong together, and, but for the trusting modes, where the header has the hash of another set.
package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	cmtmath "github.com/cometbft/cometbft/libs/math"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	"github.com/cometbft/cometbft/types"
)

func parse(data []byte) (*types.SignedHeader, error) {
	var message cmtproto.SignedHeader
	if err := message.Unmarshal(data); err != nil {
		return nil, err
	}
	if message.Header == nil || message.Commit == nil {
		return nil, errors.New("header or commit is missing")
	}
	return types.SignedHeaderFromProto(&message)
}

func verify(mode string, vals *types.ValidatorSet, sh *types.SignedHeader) error {
	words := strings.Split(mode, "/")
	switch words[0] {
	case "full":
		return types.VerifyCommit(sh.ChainID, vals, sh.Commit.BlockID, sh.Height, sh.Commit)
	case "light":
		return types.VerifyCommitLight(sh.ChainID, vals, sh.Commit.BlockID, sh.Height, sh.Commit)
	case "all":
		return types.VerifyCommitLightAllSignatures(sh.ChainID, vals, sh.Commit.BlockID, sh.Height, sh.Commit)
	}
	n, _ := strconv.ParseInt(words[1], 10, 64)
	d, _ := strconv.ParseInt(words[2], 10, 64)
	level := cmtmath.Fraction{Numerator: uint64(n), Denominator: uint64(d)}
	if words[0] == "trusting" {
		return types.VerifyCommitLightTrusting(sh.ChainID, vals, sh.Commit, level)
	}
	return types.VerifyCommitLightTrustingAllSignatures(sh.ChainID, vals, sh.Commit, level)
}

func whole(mode string, vals *types.ValidatorSet, data []byte) error {
	sh, err := parse(data)
	if err != nil {
		return err
	}
	if err := sh.ValidateBasic(sh.ChainID); err != nil {
		return err
	}
	if !strings.HasPrefix(mode, "trusting") && !bytes.Equal(vals.Hash(), sh.ValidatorsHash) {
		return errors.New("validators: another set")
	}
	return verify(mode, vals, sh)
}

func refused(err error) string {
	return "refused " + strings.ReplaceAll(fmt.Sprintf("%.200s", err.Error()), "\n", " ")
}

func set(data []byte) (*types.ValidatorSet, error) {
	var message cmtproto.ValidatorSet
	if err := message.Unmarshal(data); err != nil {
		return nil, err
	}
	return types.ValidatorSetFromProto(&message)
}

func main() {
	runtime.GOMAXPROCS(1)
	var vals *types.ValidatorSet
	var kept []*types.SignedHeader
	var octets [][]byte
	in := bufio.NewReaderSize(os.Stdin, 1<<24)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		words := strings.Fields(line)
		data, _ := hex.DecodeString(words[len(words)-1])
		switch words[0] {
		case "set":
			if vals, err = set(data); err != nil {
				fmt.Println(refused(err))
				continue
			}
			kept, octets = nil, nil
			fmt.Println(vals.Size())
		case "load":
			sh, err := parse(data)
			if err != nil {
				fmt.Println(refused(err))
				continue
			}
			kept, octets = append(kept, sh), append(octets, data)
			fmt.Println(len(kept))
		case "run":
			valid := 0
			for _, sh := range kept {
				if verify(words[1], vals, sh) == nil {
					valid++
				}
			}
			fmt.Println(valid)
		case "wire":
			valid := 0
			for _, data := range octets {
				if whole(words[1], vals, data) == nil {
					valid++
				}
			}
			fmt.Println(valid)
		}
	}
}
