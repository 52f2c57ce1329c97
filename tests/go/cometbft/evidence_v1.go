//go:build v1

package main

import (
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	"github.com/cometbft/cometbft/types"
)

func extension(chain string, vote *cmtproto.Vote) []byte {
	return types.VoteExtensionSignBytes(chain, vote)
}

// What verifies evidence is internal from 1.0 on.
func verifyEvidence(kind string, arguments [][]byte) (found answer) {
	found.Error = "not to be had: " + kind
	return
}
