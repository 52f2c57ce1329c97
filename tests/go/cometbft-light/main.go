// Answers what CometBFT's light client says about light blocks. It reads one case a line from its standard input:
//
//	KIND TRUSTED BLOCK PERIOD NOW DRIFT NUMERATOR DENOMINATOR
//
// KIND is "adjacent", "skipping", "verify" (either, by the heights) or "backwards"; TRUSTED and BLOCK are light blocks,
// protobuf in hexadecimal; PERIOD and DRIFT are nanoseconds, NOW is Unix nanoseconds. Or, what a node says about evidence
// of an attack on light clients, from the last block that both histories share and its own block of the height:
//
//	attack COMMON TRUSTED EVIDENCE
//
// It writes one line for each case: a word, a tab and the text of the error, if there is one. The words are "ok", "expired", "trust" (not enough of the
// trusted validators signed), "invalid" (the new header), "refused" (any other error) and "unreadable".
package main

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/cometbft/cometbft/evidence"
	cmtmath "github.com/cometbft/cometbft/libs/math"
	"github.com/cometbft/cometbft/light"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	"github.com/cometbft/cometbft/types"
)

func read(text string) (*types.LightBlock, error) {
	data, err := hex.DecodeString(text)
	if err != nil {
		return nil, err
	}
	message := new(cmtproto.LightBlock)
	if err := message.Unmarshal(data); err != nil {
		return nil, err
	}
	block, err := types.LightBlockFromProto(message)
	if err != nil {
		return nil, err
	}
	if block.SignedHeader == nil || block.SignedHeader.Header == nil || block.Commit == nil || block.ValidatorSet == nil {
		return nil, errors.New("a part is missing")
	}
	return block, nil
}

func number(text string) int64 {
	value, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		panic(err)
	}
	return value
}

func check(fields []string) (err error, unreadable bool) {
	trusted, err := read(fields[1])
	if err != nil {
		return err, true
	}
	block, err := read(fields[2])
	if err != nil {
		return err, true
	}
	period, drift := time.Duration(number(fields[3])), time.Duration(number(fields[5]))
	now := time.Unix(0, number(fields[4])).UTC()
	level := cmtmath.Fraction{Numerator: uint64(number(fields[6])), Denominator: uint64(number(fields[7]))}
	defer func() {
		if found := recover(); found != nil {
			err = fmt.Errorf("panic: %v", found)
		}
	}()
	switch fields[0] {
	case "adjacent":
		err = light.VerifyAdjacent(trusted.SignedHeader, block.SignedHeader, block.ValidatorSet, period, now, drift)
	case "skipping":
		err = light.VerifyNonAdjacent(trusted.SignedHeader, trusted.ValidatorSet, block.SignedHeader, block.ValidatorSet,
			period, now, drift, level)
	case "verify":
		err = light.Verify(trusted.SignedHeader, trusted.ValidatorSet, block.SignedHeader, block.ValidatorSet,
			period, now, drift, level)
	case "backwards":
		err = light.VerifyBackwards(block.Header, trusted.Header)
	default:
		panic(fields[0])
	}
	return err, false
}

func attack(fields []string) (err error, unreadable bool) {
	common, err := read(fields[1])
	if err != nil {
		return err, true
	}
	trusted, err := read(fields[2])
	if err != nil {
		return err, true
	}
	data, err := hex.DecodeString(fields[3])
	if err != nil {
		return err, true
	}
	message := new(cmtproto.Evidence)
	if err := message.Unmarshal(data); err != nil {
		return err, true
	}
	found, err := types.EvidenceFromProto(message)
	if err != nil {
		return err, true
	}
	made, ok := found.(*types.LightClientAttackEvidence)
	if !ok {
		return errors.New("evidence of another kind"), true
	}
	if made.CommonHeight != common.Height || !made.Timestamp.Equal(common.Time) {
		return errors.New("the common block has another height or time"), false
	}
	return evidence.VerifyLightClientAttack(made, common.SignedHeader, trusted.SignedHeader, common.ValidatorSet,
		common.Time, 0), false
}

func word(err error, unreadable bool) string {
	switch {
	case err == nil:
		return "ok"
	case unreadable:
		return "unreadable"
	}
	switch err.(type) {
	case light.ErrOldHeaderExpired:
		return "expired"
	case light.ErrNewValSetCantBeTrusted:
		return "trust"
	case light.ErrInvalidHeader:
		return "invalid"
	}
	return "refused"
}

func main() {
	input := bufio.NewReaderSize(os.Stdin, 1<<20)
	output := bufio.NewWriter(os.Stdout)
	defer output.Flush()
	for {
		line, err := input.ReadString('\n')
		if fields := strings.Fields(line); len(fields) == 8 || (len(fields) == 4 && fields[0] == "attack") {
			judge := check
			if len(fields) == 4 {
				judge = attack
			}
			fault, unreadable := judge(fields)
			text := ""
			if fault != nil {
				text = strings.ReplaceAll(strings.ReplaceAll(fault.Error(), "\n", " "), "\t", " ")
			}
			fmt.Fprintf(output, "%s\t%s\n", word(fault, unreadable), text)
		} else if line != "" {
			fmt.Fprintln(output, "refused\tnot a case")
		}
		if input.Buffered() == 0 { // whoever asks is waiting for the answer
			output.Flush()
		}
		if err != nil {
			return
		}
	}
}
