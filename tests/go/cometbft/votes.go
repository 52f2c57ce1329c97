package main

import (
	cmtmath "github.com/cometbft/cometbft/libs/math"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	"github.com/cometbft/cometbft/types"
)

func extension(chain string, vote *cmtproto.Vote) []byte {
	return types.VoteExtensionSignBytes(chain, vote)
}

func verifyAll(vals *types.ValidatorSet, sh *types.SignedHeader) error {
	return types.VerifyCommitLightAllSignatures(sh.ChainID, vals, sh.Commit.BlockID, sh.Height, sh.Commit)
}

func verifyTrustingAll(vals *types.ValidatorSet, sh *types.SignedHeader, level cmtmath.Fraction) error {
	return types.VerifyCommitLightTrustingAllSignatures(sh.ChainID, vals, sh.Commit, level)
}
