// Answers questions about Fabric's rules with the published code of fabric-x-common, whose MSPs, policies and checks of
// blocks are Fabric's. One question in JSON per line of standard input, one answer per line of standard output.
package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"

	"github.com/hyperledger/fabric-lib-go/bccsp/sw"
	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	_ "github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset"
	_ "github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset/kvrwset"
	mspproto "github.com/hyperledger/fabric-protos-go-apiv2/msp"
	_ "github.com/hyperledger/fabric-protos-go-apiv2/orderer"
	_ "github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/hyperledger/fabric-x-common/api/msppb"
	"github.com/hyperledger/fabric-x-common/common/cauthdsl"
	"github.com/hyperledger/fabric-x-common/msp"
	"github.com/hyperledger/fabric-x-common/protoutil"
)

type question struct {
	Config     string   `json:"config"`     // FabricMSPConfig
	Name       string   `json:"name"`       // of the MSP
	Level      int      `json:"level"`      // 0 to 4: v1.0, v1.1, v1.3, v1.4.3, v3.0
	Texts      []string `json:"texts"`      // certificates
	Principals []string `json:"principals"` // MSPPrincipal
	Policies   []string `json:"policies"`   // SignaturePolicyEnvelope
	Orders     [][]int  `json:"orders"`     // of texts, for the policies
	Entries    []string `json:"entries"`    // of a block
	Block      string   `json:"block"`      // whose orderers' signatures are asked about
	Orderers   string   `json:"orderers"`   // Orderers, for signers by identifier; with a block
	Message    string   `json:"message"`    // full name of a message, whose serialised forms are in texts
	Pem        bool     `json:"pem"`        // whether texts are to be read as PEM
}

type person struct {
	Known bool   `json:"known"`
	Valid bool   `json:"valid"`
	ID    string `json:"id"`
	Fits  []bool `json:"fits"`
}

type answer struct {
	Error      string   `json:"error"` // the configuration makes no MSP
	People     []person `json:"people"`
	Policies   [][]bool `json:"policies"` // by policy and order; empty where the policy does not compile
	WellFormed bool     `json:"well_formed"`
	Signed     bool     `json:"signed"`
	Read       []string `json:"read"` // for each text: its message written again without unknown fields, or what is in its PEM; "-" where it is none
}

func bytesOf(text string) []byte {
	data, err := hex.DecodeString(text)
	if err != nil {
		panic(err)
	}
	return data
}

func levels() []msp.MSPVersion {
	return []msp.MSPVersion{msp.MSPv1_0, msp.MSPv1_1, msp.MSPv1_3, msp.MSPv1_4_3, msp.MSPv3_0}
}

// written again: with its fields in order, and without those that are unknown.
func again(name, text string) string {
	kind, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(name))
	if err != nil {
		panic(err)
	}
	made := kind.New().Interface()
	if (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(bytesOf(text), made) != nil {
		return "-"
	}
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(made)
	if err != nil {
		panic(err)
	}
	return hex.EncodeToString(data)
}

func inPem(text string) string {
	block, _ := pem.Decode(bytesOf(text))
	if block == nil {
		return "-"
	}
	return hex.EncodeToString(block.Bytes) + " " + hex.EncodeToString([]byte(block.Type))
}

func answerTo(q *question) (found answer) {
	if q.Message != "" || q.Pem {
		for _, text := range q.Texts {
			if q.Pem {
				found.Read = append(found.Read, inPem(text))
			} else {
				found.Read = append(found.Read, again(q.Message, text))
			}
		}
		return found
	}
	if q.Entries != nil {
		data := &common.BlockData{}
		for _, entry := range q.Entries {
			data.Data = append(data.Data, bytesOf(entry))
		}
		found.WellFormed = protoutil.VerifyTransactionsAreWellFormed(data) == nil
		return found
	}
	csp, err := sw.NewDefaultSecurityLevelWithKeystore(sw.NewDummyKeyStore())
	if err != nil {
		panic(err)
	}
	made, err := msp.New(&msp.BCCSPNewOpts{NewBaseOpts: msp.NewBaseOpts{Version: levels()[q.Level]}}, csp)
	if err != nil {
		panic(err)
	}
	if err := made.Setup(&mspproto.MSPConfig{Config: bytesOf(q.Config)}); err != nil {
		found.Error = err.Error()
		return found
	}
	if q.Block != "" {
		found.Signed = signed(q, made)
		return found
	}
	principals := make([]*mspproto.MSPPrincipal, len(q.Principals))
	for i, text := range q.Principals {
		principals[i] = &mspproto.MSPPrincipal{}
		if err := proto.Unmarshal(bytesOf(text), principals[i]); err != nil {
			panic(err)
		}
	}
	identities := make([]msp.Identity, len(q.Texts))
	for i, text := range q.Texts {
		one := person{Fits: make([]bool, len(principals))}
		identity, err := made.DeserializeIdentity(msppb.NewIdentity(q.Name, bytesOf(text)))
		if err == nil {
			identities[i] = identity
			one.Known, one.Valid, one.ID = true, identity.Validate() == nil, identity.GetIdentifier().Id
			for j, principal := range principals {
				one.Fits[j] = identity.SatisfiesPrincipal(principal) == nil
			}
		}
		found.People = append(found.People, one)
	}
	for _, text := range q.Policies {
		results := []bool{}
		policy, _, err := cauthdsl.NewPolicyProvider(nil).NewPolicy(bytesOf(text))
		if err == nil {
			for _, order := range q.Orders {
				var signers []msp.Identity
				for _, place := range order {
					if identities[place] != nil {
						signers = append(signers, identities[place])
					}
				}
				results = append(results, policy.EvaluateIdentities(signers) == nil)
			}
		}
		found.Policies = append(found.Policies, results)
	}
	return found
}

// signed says whether the block's signatures satisfy the first policy.
func signed(q *question, made msp.MSP) bool {
	manager := msp.NewMSPManager()
	if err := manager.Setup([]msp.MSP{made}); err != nil {
		panic(err)
	}
	policy, _, err := cauthdsl.NewPolicyProvider(manager).NewPolicy(bytesOf(q.Policies[0]))
	if err != nil {
		panic(err)
	}
	block, orderers := &common.Block{}, &common.Orderers{}
	if err := proto.Unmarshal(bytesOf(q.Block), block); err != nil {
		panic(err)
	}
	if err := proto.Unmarshal(bytesOf(q.Orderers), orderers); err != nil {
		panic(err)
	}
	verifier := protoutil.BlockSigVerifier{Policy: policy, BFT: true, Consenters: orderers.ConsenterMapping}
	return verifier.Verify(block.Header, block.Metadata) == nil
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 1<<20), 1<<28)
	for lines.Scan() {
		q := &question{}
		if err := json.Unmarshal(lines.Bytes(), q); err != nil {
			panic(err)
		}
		text, err := json.Marshal(answerTo(q))
		if err != nil {
			panic(err)
		}
		fmt.Println(string(text))
	}
}
