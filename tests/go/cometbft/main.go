// CometBFT's own code over the same messages as pycore's: reads a line, answers a line of JSON. A line is the name of an
// operation and its arguments in hexadecimal, "-" for none.
//
//	header | validators | light | evidence | block MESSAGE      read, checked by itself, hashed, written again
//	commit | vote | proposal MESSAGE CHAIN                      the same, and the bytes that are signed
//	verify MODE VALIDATORS SIGNEDHEADER                         VerifyCommit and its kind; MODE is text
//	json KIND MESSAGE                                           as a node's RPC writes it; KIND is text
//	fromjson KIND TEXT                                          the message that a client's JSON reader makes of it
//	txproof PROOF ROOT                                          whether the proof leads to the root
//	duplicate EVIDENCE VALIDATORS CHAIN                         (see evidence.go)
//	attack EVIDENCE COMMON TRUSTED
//
// Built against several versions of CometBFT: the paths of its packages are put in by who builds it.
package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	cmtjson "github.com/cometbft/cometbft/libs/json"
	cmtmath "github.com/cometbft/cometbft/libs/math"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	ctypes "github.com/cometbft/cometbft/rpc/core/types"
	"github.com/cometbft/cometbft/types"
)

type answer struct {
	Parsed bool     `json:"parsed"` // whether the bytes are protobuf of that kind
	Basic  bool     `json:"basic"`  // whether the message keeps the rules for it by itself
	Same   bool     `json:"same"`   // whether the same bytes are written again
	Valid  bool     `json:"valid"`  // of a verification
	Hash   string   `json:"hash"`
	More   string   `json:"more"`
	Signed []string `json:"signed"`
	Error  string   `json:"error"`
}

type message interface {
	Marshal() ([]byte, error)
	Unmarshal([]byte) error
}

func read(into message, data []byte) (found answer) {
	err := into.Unmarshal(data)
	found.Parsed = err == nil
	if err != nil {
		found.Error = err.Error()
	}
	return
}

func rewritten(other message, data []byte) bool {
	octets, err := other.Marshal()
	return err == nil && bytes.Equal(octets, data)
}

func header(data []byte) (found answer) {
	var m cmtproto.Header
	if found = read(&m, data); !found.Parsed {
		return
	}
	h, err := types.HeaderFromProto(&m)
	found.Basic = err == nil
	if err == nil {
		found.Hash, found.Same = hex.EncodeToString(h.Hash()), rewritten(h.ToProto(), data)
	}
	return
}

func commit(data []byte, chain string) (found answer) {
	var m cmtproto.Commit
	if found = read(&m, data); !found.Parsed {
		return
	}
	c, err := types.CommitFromProto(&m)
	found.Basic = err == nil
	if err == nil {
		found.Hash, found.Same = hex.EncodeToString(c.Hash()), rewritten(c.ToProto(), data)
		for i := range c.Signatures {
			found.Signed = append(found.Signed, hex.EncodeToString(c.VoteSignBytes(chain, int32(i))))
		}
	}
	return
}

func vote(data []byte, chain string) (found answer) {
	var m cmtproto.Vote
	if found = read(&m, data); !found.Parsed {
		return
	}
	v, err := types.VoteFromProto(&m)
	if err == nil {
		err = v.ValidateBasic()
	}
	found.Basic = err == nil
	if err == nil {
		p := v.ToProto()
		found.Same = rewritten(p, data)
		found.Signed = append(found.Signed, hex.EncodeToString(types.VoteSignBytes(chain, p)))
		found.Signed = append(found.Signed, hex.EncodeToString(extension(chain, p)))
	}
	return
}

func proposal(data []byte, chain string) (found answer) {
	var m cmtproto.Proposal
	if found = read(&m, data); !found.Parsed {
		return
	}
	v, err := types.ProposalFromProto(&m)
	found.Basic = err == nil
	if err == nil {
		found.Same = rewritten(v.ToProto(), data)
		found.Signed = append(found.Signed, hex.EncodeToString(types.ProposalSignBytes(chain, v.ToProto())))
	}
	return
}

func set(data []byte) (*types.ValidatorSet, *cmtproto.ValidatorSet, error) {
	var m cmtproto.ValidatorSet
	if err := m.Unmarshal(data); err != nil {
		return nil, nil, err
	}
	found, err := types.ValidatorSetFromProto(&m)
	return found, &m, err
}

func validators(data []byte) (found answer) {
	vals, m, err := set(data)
	found.Parsed = m != nil
	found.Basic = err == nil
	if err == nil {
		found.Hash, found.More = hex.EncodeToString(vals.Hash()), fmt.Sprint(vals.TotalVotingPower())
		p, err := vals.ToProto()
		if err == nil {
			found.Same = rewritten(p, data)
		}
		for _, one := range vals.Validators {
			found.Signed = append(found.Signed, hex.EncodeToString(one.PubKey.Address()))
		}
	}
	return
}

func lightBlock(data []byte) (*types.LightBlock, error) {
	var m cmtproto.LightBlock
	if err := m.Unmarshal(data); err != nil {
		return nil, err
	}
	return types.LightBlockFromProto(&m)
}

func light(data []byte) (found answer) {
	var m cmtproto.LightBlock
	if found = read(&m, data); !found.Parsed {
		return
	}
	b, err := types.LightBlockFromProto(&m)
	if err == nil && b.SignedHeader == nil {
		err = errors.New("no header")
	}
	if err == nil {
		err = b.ValidateBasic(b.ChainID)
	}
	found.Basic = err == nil
	if err == nil {
		found.Hash = hex.EncodeToString(b.Hash())
		if p, err := b.ToProto(); err == nil {
			found.Same = rewritten(p, data)
		}
	}
	return
}

func evidence(data []byte) (found answer) {
	var m cmtproto.Evidence
	if found = read(&m, data); !found.Parsed {
		return
	}
	e, err := types.EvidenceFromProto(&m)
	if err == nil {
		err = e.ValidateBasic()
	}
	found.Basic = err == nil
	if err == nil {
		found.Hash = hex.EncodeToString(e.Hash())
		found.More = hex.EncodeToString(types.EvidenceList{e}.Hash())
		if p, err := types.EvidenceToProto(e); err == nil {
			found.Same = rewritten(p, data)
		}
	} else {
		found.Error = err.Error()
	}
	return
}

func block(data []byte) (found answer) {
	var m cmtproto.Block
	if found = read(&m, data); !found.Parsed {
		return
	}
	b, err := types.BlockFromProto(&m)
	if err == nil {
		err = b.ValidateBasic()
	}
	found.Basic = err == nil
	if err == nil {
		found.Hash = hex.EncodeToString(b.Hash())
		if parts, err := b.MakePartSet(types.BlockPartSizeBytes); err == nil {
			found.More = fmt.Sprintf("%d %x", parts.Header().Total, []byte(parts.Header().Hash))
		}
		if p, err := b.ToProto(); err == nil {
			found.Same = rewritten(p, data)
		}
	} else {
		found.Error = err.Error()
	}
	return
}

func verify(mode string, validators, signed []byte) (found answer) {
	vals, _, err := set(validators)
	if err != nil {
		found.Error = err.Error()
		return
	}
	var m cmtproto.SignedHeader
	if err := m.Unmarshal(signed); err != nil || m.Header == nil || m.Commit == nil {
		found.Error = "signed header does not parse"
		return
	}
	sh, err := types.SignedHeaderFromProto(&m)
	if err == nil {
		found.Parsed = true
		err = sh.ValidateBasic(sh.ChainID)
	}
	if err == nil {
		found.Basic = true
		words := strings.Split(mode, "/")
		trusting := strings.HasPrefix(mode, "trusting")
		if !trusting && !bytes.Equal(vals.Hash(), sh.ValidatorsHash) {
			err = errors.New("another set")
		}
		var n, d uint64 = 1, 3
		if len(words) > 1 {
			fmt.Sscan(words[1], &n)
			fmt.Sscan(words[2], &d)
		}
		level := cmtmath.Fraction{Numerator: n, Denominator: d}
		if err == nil {
			switch words[0] {
			case "full":
				err = vals.VerifyCommit(sh.ChainID, sh.Commit.BlockID, sh.Height, sh.Commit)
			case "light":
				err = vals.VerifyCommitLight(sh.ChainID, sh.Commit.BlockID, sh.Height, sh.Commit)
			case "all":
				err = verifyAll(vals, sh)
			case "trusting":
				err = vals.VerifyCommitLightTrusting(sh.ChainID, sh.Commit, level)
			case "trusting-all":
				err = verifyTrustingAll(vals, sh, level)
			}
		}
	}
	found.Valid = err == nil
	if err != nil {
		found.Error = err.Error()
	}
	return
}

func txproof(data, root []byte) (found answer) {
	var m cmtproto.TxProof
	if found = read(&m, data); !found.Parsed || m.Proof == nil {
		return
	}
	p, err := types.TxProofFromProto(m)
	found.Basic = err == nil
	if err == nil {
		found.Valid = p.Validate(root) == nil
	}
	return
}

func toJSON(kind string, data []byte) (found answer) {
	var value any
	var err error
	switch kind {
	case "commit":
		var m cmtproto.SignedHeader
		if err = m.Unmarshal(data); err == nil {
			var sh *types.SignedHeader
			if sh, err = types.SignedHeaderFromProto(&m); err == nil {
				value = ctypes.NewResultCommit(sh.Header, sh.Commit, true)
			}
		}
	case "validators":
		var vals *types.ValidatorSet
		if vals, _, err = set(data); err == nil {
			value = &ctypes.ResultValidators{BlockHeight: 7, Validators: vals.Validators, Count: vals.Size(), Total: vals.Size()}
		}
	case "block":
		var m cmtproto.Block
		if err = m.Unmarshal(data); err == nil {
			var b *types.Block
			if b, err = types.BlockFromProto(&m); err == nil {
				value = &ctypes.ResultBlock{Block: b}
			}
		}
	case "light":
		value, err = lightBlock(data)
	case "vote":
		var m cmtproto.Vote
		if err = m.Unmarshal(data); err == nil {
			value, err = types.VoteFromProto(&m)
		}
	case "evidence":
		var m cmtproto.Evidence
		if err = m.Unmarshal(data); err == nil {
			var e types.Evidence
			e, err = types.EvidenceFromProto(&m)
			value = e
		}
	case "proposal":
		var m cmtproto.Proposal
		if err = m.Unmarshal(data); err == nil {
			value, err = types.ProposalFromProto(&m)
		}
	case "tx":
		var m cmtproto.TxProof
		if err = m.Unmarshal(data); err == nil {
			var p types.TxProof
			if p, err = types.TxProofFromProto(m); err == nil {
				value = &ctypes.ResultTx{Tx: p.Data, Hash: p.Data.Hash(), Proof: p}
			}
		}
	}
	if err == nil {
		var text []byte
		text, err = cmtjson.Marshal(value)
		found.More = string(text)
	}
	found.Parsed = err == nil
	if err != nil {
		found.Error = err.Error()
	}
	return
}

func fromJSON(kind string, text []byte) (found answer) {
	var octets []byte
	var err error
	switch kind {
	case "commit":
		var r ctypes.ResultCommit
		if err = cmtjson.Unmarshal(text, &r); err == nil {
			if r.Header == nil || r.Commit == nil {
				err = errors.New("nothing")
			} else {
				octets, err = r.SignedHeader.ToProto().Marshal()
			}
		}
	case "block":
		var r ctypes.ResultBlock
		if err = cmtjson.Unmarshal(text, &r); err == nil {
			var p *cmtproto.Block
			if p, err = r.Block.ToProto(); err == nil {
				octets, err = p.Marshal()
			}
		}
	case "validators":
		var r ctypes.ResultValidators
		if err = cmtjson.Unmarshal(text, &r); err == nil {
			for _, one := range r.Validators {
				p, failed := one.ToProto()
				if failed != nil {
					err = failed
					break
				}
				row, _ := p.Marshal()
				octets = append(octets, row...)
			}
		}
	}
	found.Parsed = err == nil
	if err != nil {
		found.Error = err.Error()
	}
	found.More = hex.EncodeToString(octets)
	return
}

func run(words []string) (found answer) {
	defer func() {
		if reason := recover(); reason != nil {
			found = answer{Error: fmt.Sprintf("panic: %v", reason)}
		}
	}()
	arguments := make([][]byte, len(words))
	for i, word := range words {
		arguments[i], _ = hex.DecodeString(word)
	}
	switch words[0] {
	case "header":
		return header(arguments[1])
	case "commit":
		return commit(arguments[1], string(arguments[2]))
	case "vote":
		return vote(arguments[1], string(arguments[2]))
	case "proposal":
		return proposal(arguments[1], string(arguments[2]))
	case "validators":
		return validators(arguments[1])
	case "light":
		return light(arguments[1])
	case "evidence":
		return evidence(arguments[1])
	case "block":
		return block(arguments[1])
	case "verify":
		return verify(words[1], arguments[2], arguments[3])
	case "txproof":
		return txproof(arguments[1], arguments[2])
	case "json":
		return toJSON(words[1], arguments[2])
	case "fromjson":
		return fromJSON(words[1], arguments[2])
	}
	return verifyEvidence(words[0], arguments[1:])
}

func main() {
	in := bufio.NewReaderSize(os.Stdin, 1<<24)
	out := bufio.NewWriter(os.Stdout)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		found := run(strings.Fields(line))
		if len(found.Error) > 300 {
			found.Error = found.Error[:300]
		}
		text, _ := json.Marshal(found)
		out.Write(append(text, '\n'))
		out.Flush()
	}
}
