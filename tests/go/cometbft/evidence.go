//go:build !v1

package main

import (
	"time"

	cmtevidence "github.com/cometbft/cometbft/evidence"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	"github.com/cometbft/cometbft/types"
)

func verifyEvidence(kind string, arguments [][]byte) (found answer) {
	var m cmtproto.Evidence
	if err := m.Unmarshal(arguments[0]); err != nil {
		found.Error = err.Error()
		return
	}
	e, err := types.EvidenceFromProto(&m)
	if err == nil {
		found.Parsed = true
		err = e.ValidateBasic()
	}
	if err == nil {
		found.Basic = true
		switch one := e.(type) {
		case *types.DuplicateVoteEvidence:
			var vals *types.ValidatorSet
			if vals, _, err = set(arguments[1]); err == nil {
				err = cmtevidence.VerifyDuplicateVote(one, string(arguments[2]), vals)
			}
		case *types.LightClientAttackEvidence:
			var common, trusted *types.LightBlock
			if common, err = lightBlock(arguments[1]); err == nil {
				if trusted, err = lightBlock(arguments[2]); err == nil {
					err = cmtevidence.VerifyLightClientAttack(one, common.SignedHeader, trusted.SignedHeader,
						common.ValidatorSet, time.Now(), time.Hour)
				}
			}
		}
	}
	found.Valid = err == nil
	if err != nil {
		found.Error = err.Error()
	}
	return
}
