// CometBFT's own collection of votes: reads a line, answers a line; bytes in hexadecimal, "-" for none.
//
//	start CHAIN_ID HEIGHT EXTENSIONS VALIDATORSET   a new HeightVoteSet, with rounds 0 and 1 open; EXTENSIONS: true, false
//	round N                                         round N is the current one, N + 1 is open as well
//	vote PEER VOTE                                  what became of a vote, and for what its round and type have a quorum:
//	                                                "nothing", "nil" or the block's hash
package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	cstypes "github.com/cometbft/cometbft/consensus/types"
	"github.com/cometbft/cometbft/p2p"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	"github.com/cometbft/cometbft/types"
)

var (
	votes      *cstypes.HeightVoteSet
	extensions bool
)

func start(words []string) string {
	var message cmtproto.ValidatorSet
	if err := message.Unmarshal(unhex(words[3])); err != nil {
		return err.Error()
	}
	set, err := types.ValidatorSetFromProto(&message)
	if err != nil {
		return err.Error()
	}
	height, _ := strconv.ParseInt(words[1], 10, 64)
	extensions = words[2] == "true"
	if extensions {
		votes = cstypes.NewExtendedHeightVoteSet(string(unhex(words[0])), height, set)
	} else {
		votes = cstypes.NewHeightVoteSet(string(unhex(words[0])), height, set)
	}
	votes.SetRound(1)
	return "started"
}

// A vote as a node takes it from a peer: parsed, checked by itself, and added.
func add(peer string, data []byte) string {
	var message cmtproto.Vote
	if err := message.Unmarshal(data); err != nil {
		return "malformed nothing"
	}
	vote, err := types.VoteFromProto(&message)
	if err != nil {
		return "malformed nothing"
	}
	if again, err := vote.ToProto().Marshal(); err != nil || !bytes.Equal(again, data) {
		return "rewritten nothing"
	}
	if vote.ValidateBasic() != nil {
		return "malformed nothing"
	}
	return outcome(votes.AddVote(vote, p2p.ID(peer), extensions)) + " " + majority(vote)
}

func outcome(added bool, err error) string {
	var conflict *types.ErrVoteConflictingVotes
	switch {
	case err == nil && added:
		return "counted"
	case err == nil:
		return "duplicate"
	case errors.As(err, &conflict):
		return "conflicting"
	case errors.Is(err, types.ErrVoteNonDeterministicSignature):
		return "repeated"
	case errors.Is(err, cstypes.ErrGotVoteFromUnwantedRound):
		return "unwanted"
	case errors.Is(err, types.ErrVoteUnexpectedStep):
		return "height"
	case errors.Is(err, types.ErrVoteInvalidValidatorIndex), errors.Is(err, types.ErrVoteInvalidValidatorAddress):
		return "stranger"
	}
	return "bad"
}

func majority(vote *types.Vote) string {
	set := votes.Precommits(vote.Round)
	if vote.Type == cmtproto.PrevoteType {
		set = votes.Prevotes(vote.Round)
	}
	if set == nil {
		return "nothing"
	}
	block, there := set.TwoThirdsMajority()
	if !there {
		return "nothing"
	}
	if block.IsZero() {
		return "nil"
	}
	return hex.EncodeToString(block.Hash)
}

func unhex(word string) []byte {
	if word == "-" {
		return nil
	}
	found, err := hex.DecodeString(word)
	if err != nil {
		panic(err)
	}
	return found
}

func main() {
	lines := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		words := strings.Fields(line)
		switch words[0] {
		case "start":
			fmt.Fprintln(out, start(words[1:]))
		case "round":
			n, _ := strconv.ParseInt(words[1], 10, 32)
			votes.SetRound(int32(n) + 1)
			fmt.Fprintln(out, "moved")
		case "vote":
			fmt.Fprintln(out, add(words[1], unhex(words[2])))
		}
		out.Flush()
	}
}
