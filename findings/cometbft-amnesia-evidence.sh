#!/bin/sh
# CometBFT 0.38.26: evidence of an amnesia attack on light clients (two commits for one height, decided in different
# rounds) names no validators. As its light client makes it, a node's check accepts it; after a round trip through
# protobuf, which is how every node gets it, the same check refuses it, since an empty list that was read is not nil.
# Nobody would have been punished by it. Touches pycore's users who send what AttackDetected carries to a node.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat > main.go <<'GO'
package main

import (
	"bytes"
	"fmt"
	"os"
	"time"

	"github.com/cometbft/cometbft/evidence"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	"github.com/cometbft/cometbft/types"
	"github.com/cometbft/cometbft/version"
)

const chain = "chain"

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// A light block of height 10, decided in a round, that differs in its data hash.
func block(keys []types.MockPV, set *types.ValidatorSet, round int32, data byte) *types.LightBlock {
	at := time.Unix(1_700_000_000, 0).UTC()
	hash := bytes.Repeat([]byte{7}, 32)
	header := &types.Header{ChainID: chain, Height: 10, Time: at, ValidatorsHash: set.Hash(), NextValidatorsHash: set.Hash(),
		ConsensusHash: hash, AppHash: hash, LastResultsHash: hash, DataHash: bytes.Repeat([]byte{data}, 32),
		ProposerAddress: set.Validators[0].Address,
		LastBlockID: types.BlockID{Hash: hash, PartSetHeader: types.PartSetHeader{Total: 1, Hash: hash}}}
	header.Version.Block = version.BlockProtocol
	id := types.BlockID{Hash: header.Hash(), PartSetHeader: types.PartSetHeader{Total: 1, Hash: hash}}
	commit := &types.Commit{Height: 10, Round: round, BlockID: id}
	for i, validator := range set.Validators {
		for _, key := range keys {
			public, err := key.GetPubKey()
			must(err)
			if !bytes.Equal(public.Address(), validator.Address) {
				continue
			}
			vote := &types.Vote{Type: cmtproto.PrecommitType, Height: 10, Round: round, BlockID: id, Timestamp: at,
				ValidatorAddress: validator.Address, ValidatorIndex: int32(i)}
			signed := vote.ToProto()
			must(key.SignVote(chain, signed))
			commit.Signatures = append(commit.Signatures, types.CommitSig{BlockIDFlag: types.BlockIDFlagCommit,
				ValidatorAddress: validator.Address, Timestamp: at, Signature: signed.Signature})
		}
	}
	return &types.LightBlock{SignedHeader: &types.SignedHeader{Header: header, Commit: commit}, ValidatorSet: set}
}

func main() {
	var keys []types.MockPV
	var rows []*types.Validator
	for i := 0; i < 4; i++ {
		key := types.NewMockPV()
		public, err := key.GetPubKey()
		must(err)
		keys, rows = append(keys, key), append(rows, types.NewValidator(public, 10))
	}
	set := types.NewValidatorSet(rows)
	trusted, conflicting := block(keys, set, 0, 1), block(keys, set, 1, 2)
	made := &types.LightClientAttackEvidence{ConflictingBlock: conflicting, CommonHeight: 10,
		TotalVotingPower: set.TotalVotingPower(), Timestamp: trusted.Time}
	made.ByzantineValidators = made.GetByzantineValidators(set, trusted.SignedHeader)
	must(made.ValidateBasic())
	check := func(found *types.LightClientAttackEvidence) error {
		return evidence.VerifyLightClientAttack(found, trusted.SignedHeader, trusted.SignedHeader, set, trusted.Time, time.Hour)
	}
	before := check(made)
	message, err := types.EvidenceToProto(made)
	must(err)
	data, err := message.Marshal()
	must(err)
	received := new(cmtproto.Evidence)
	must(received.Unmarshal(data))
	found, err := types.EvidenceFromProto(received)
	must(err)
	after := check(found.(*types.LightClientAttackEvidence))
	fmt.Println("as it was made:", before)
	fmt.Println("as it was received:", after)
	if before != nil || after == nil {
		fmt.Println("changed: see above")
		os.Exit(1)
	}
}
GO
go mod init finding >/dev/null 2>&1
go get github.com/cometbft/cometbft@v0.38.26 >/dev/null 2>&1
go mod tidy >/dev/null 2>&1
go run .
