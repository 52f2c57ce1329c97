package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	crand "crypto/rand"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"math/big"
	"math/rand"
	"os"

	"github.com/hyperledger/fabric-x-common/api/applicationpb"
	"github.com/hyperledger/fabric-x-common/api/committerpb"
	"github.com/hyperledger/fabric-x-common/api/msppb"
	"github.com/hyperledger/fabric-x-common/common/policydsl"
	"github.com/hyperledger/fabric-x-common/msp"
	"github.com/hyperledger/fabric-x-common/protoutil"
	"github.com/hyperledger/fabric-x-common/utils/testcrypto"
	"google.golang.org/protobuf/proto"

	"github.com/hyperledger/fabric-x-committer/api/servicepb"
	"github.com/hyperledger/fabric-x-committer/utils/signature"
	"github.com/hyperledger/fabric-x-committer/utils/testsig"
)

type endorse func(id string, tx *applicationpb.Tx, ns int) (*applicationpb.Endorsements, error)

type request struct {
	what    string
	request *servicepb.TxWithRef
}

type made struct {
	config     []byte // an Envelope
	policies   []*applicationpb.PolicyItem
	names      []string // of namespaces
	endorsers  map[string]endorse
	lifecycle  endorse
	requests   []request
	blockSize  int
	random     *rand.Rand
	identities []msp.SigningIdentity
}

func generate(seed int64, count, blockSize int) (*made, error) {
	m := &made{random: rand.New(rand.NewSource(seed)), endorsers: map[string]endorse{}, blockSize: blockSize}
	if err := m.organisations(); err != nil {
		return nil, err
	}
	if err := m.namespaces(); err != nil {
		return nil, err
	}
	for i := range count {
		block, tx := uint64(i/blockSize)+2, uint32(i%blockSize)
		one, err := m.transaction(block, tx)
		if err != nil {
			return nil, err
		}
		m.requests = append(m.requests, *one)
	}
	return m, nil
}

func (m *made) organisations() error {
	folder, err := os.MkdirTemp("", "fabricx")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	block, err := testcrypto.CreateOrExtendConfigBlockWithCrypto(folder, &testcrypto.ConfigBlock{PeerOrganizationCount: 3})
	if err != nil {
		return err
	}
	m.config = block.Data.Data[0]
	m.identities, err = testcrypto.GetPeersIdentities(folder)
	if err != nil {
		return err
	}
	endorser, err := testsig.NewNsEndorserFromMsp(testsig.CreatorCertificate, m.identities...)
	if err != nil {
		return err
	}
	m.lifecycle = endorser.EndorseTxNs
	return nil
}

func (m *made) add(name string, policy *applicationpb.NamespacePolicy, by endorse) {
	m.names = append(m.names, name)
	m.endorsers[name] = by
	m.policies = append(m.policies, &applicationpb.PolicyItem{Namespace: name, Policy: protoutil.MarshalOrPanic(policy)})
}

func threshold(scheme string, key []byte) *applicationpb.NamespacePolicy {
	return &applicationpb.NamespacePolicy{Rule: &applicationpb.NamespacePolicy_ThresholdRule{
		ThresholdRule: &applicationpb.ThresholdRule{Scheme: scheme, PublicKey: key},
	}}
}

func (m *made) namespaces() error {
	for name, scheme := range map[string]string{"ec": signature.Ecdsa, "ed": signature.Eddsa, "bls": signature.Bls} {
		secret, public := testsig.NewKeyPair(scheme)
		endorser, err := testsig.NewNsEndorserFromKey(scheme, secret)
		if err != nil {
			return err
		}
		m.add(name, threshold(scheme, public), endorser.EndorseTxNs)
	}
	for name, curve := range map[string]elliptic.Curve{"ec224": elliptic.P224(), "ec384": elliptic.P384(), "ec521": elliptic.P521()} {
		secret, err := ecdsa.GenerateKey(curve, crand.Reader)
		if err != nil {
			return err
		}
		public, err := testsig.SerializeVerificationKey(&secret.PublicKey)
		if err != nil {
			return err
		}
		m.add(name, threshold("ecdsa", public), func(id string, tx *applicationpb.Tx, ns int) (*applicationpb.Endorsements, error) {
			signed, err := tx.Namespaces[ns].ASN1Marshal(id, tx.Metadata)
			if err != nil {
				return nil, err
			}
			digest := sha256.Sum256(signed)
			found, err := ecdsa.SignASN1(crand.Reader, secret, digest[:])
			return testsig.CreateEndorsementsForThresholdRule(found)[0], err
		})
	}
	m.add("free", threshold("none", nil), func(string, *applicationpb.Tx, int) (*applicationpb.Endorsements, error) {
		return testsig.CreateEndorsementsForThresholdRule([]byte{})[0], nil
	})
	return m.memberNamespaces()
}

func (m *made) memberNamespaces() error {
	ids := make([][]byte, len(m.identities))
	for i, one := range m.identities {
		data, err := one.Serialize()
		if err != nil {
			return err
		}
		ids[i] = data
	}
	a, b := m.identities[0].GetMSPIdentifier(), m.identities[len(m.identities)-1].GetMSPIdentifier()
	byRole, err := policydsl.FromString(fmt.Sprintf("AND('%s.member', '%s.member')", a, b))
	if err != nil {
		return err
	}
	some, err := policydsl.FromString(fmt.Sprintf("OutOf(2, '%s.member', '%s.member', '%s.admin', '%s.peer')", a, b, a, b))
	if err != nil {
		return err
	}
	exact := policydsl.Envelope(policydsl.And(policydsl.SignedBy(0), policydsl.SignedBy(1)), [][]byte{ids[0], ids[len(ids)-1]})
	two := []msp.SigningIdentity{m.identities[0], m.identities[len(m.identities)-1]}
	for _, one := range []struct {
		name   string
		policy proto.Message
		form   int
	}{{"mspcerts", exact, testsig.CreatorCertificate}, {"mspids", exact, testsig.CreatorID}, {"mspsome", some, testsig.CreatorCertificate}, {"msprole", byRole, testsig.CreatorCertificate}} {
		endorser, err := testsig.NewNsEndorserFromMsp(one.form, two...)
		if err != nil {
			return err
		}
		rule := &applicationpb.NamespacePolicy{Rule: &applicationpb.NamespacePolicy_MspRule{MspRule: protoutil.MarshalOrPanic(one.policy)}}
		m.add(one.name, rule, endorser.EndorseTxNs)
	}
	return nil
}

func (m *made) bytes(most int) []byte {
	data := make([]byte, m.random.Intn(most))
	_, _ = m.random.Read(data)
	return data
}

func (m *made) content(name, unique string) *applicationpb.TxNamespace {
	ns := &applicationpb.TxNamespace{NsId: name, NsVersion: uint64(m.random.Intn(300))}
	ns.BlindWrites = append(ns.BlindWrites, &applicationpb.Write{Key: []byte("w" + unique), Value: m.bytes(200)})
	if m.random.Intn(3) == 0 {
		ns.ReadsOnly = append(ns.ReadsOnly, &applicationpb.Read{Key: []byte("r" + unique)})
	}
	if m.random.Intn(3) == 0 {
		ns.ReadsOnly = append(ns.ReadsOnly, &applicationpb.Read{Key: []byte("s" + unique), Version: proto.Uint64(m.random.Uint64() >> m.random.Intn(64))})
	}
	if m.random.Intn(3) == 0 {
		ns.ReadWrites = append(ns.ReadWrites, &applicationpb.ReadWrite{Key: []byte("x" + unique), Value: m.bytes(40), Version: proto.Uint64(uint64(m.random.Intn(1 << 20)))})
	}
	return ns
}

func (m *made) name() string {
	if m.random.Intn(10000) < *bls {
		return "bls"
	}
	for {
		name := m.names[m.random.Intn(len(m.names))]
		slow := name == "ec224" || name == "ec384" || name == "ec521"
		if name != "bls" && (!slow || m.random.Intn(20) == 0) {
			return name
		}
	}
}

func (m *made) transaction(block uint64, number uint32) (*request, error) {
	unique := fmt.Sprintf("%d-%d", block, number)
	id := fmt.Sprintf("tx%s-%x", unique, m.random.Uint64())
	tx := &applicationpb.Tx{}
	names := []string{m.name()}
	if *sound != "" {
		names[0] = *sound
	} else if m.random.Intn(8) == 0 {
		names = append(names, m.name())
		if names[0] == names[1] {
			names = names[:1]
		}
	}
	what := names[0]
	for _, name := range names {
		tx.Namespaces = append(tx.Namespaces, m.content(name, unique+name))
	}
	for range m.random.Intn(2) * m.random.Intn(3) {
		tx.Metadata = append(tx.Metadata, m.bytes(20))
	}
	for i, name := range names {
		found, err := m.endorsers[name](id, tx, i)
		if err != nil {
			return nil, err
		}
		tx.Endorsements = append(tx.Endorsements, proto.Clone(found).(*applicationpb.Endorsements))
	}
	if *sound == "" && m.random.Intn(2) == 0 {
		what += "/" + m.mutate(tx)
	} else {
		what += "/sound"
	}
	return &request{what, &servicepb.TxWithRef{Ref: committerpb.NewTxRef(id, block, number), Content: tx}}, nil
}

// mutate changes one thing about a transaction that is signed. No form that no coordinator would send: those are not
// what two verifiers are compared on.
func (m *made) mutate(tx *applicationpb.Tx) string {
	list := tx.Endorsements[m.random.Intn(len(tx.Endorsements))]
	held := list.EndorsementsWithIdentity
	first := held[m.random.Intn(len(held))]
	ns := tx.Namespaces[m.random.Intn(len(tx.Namespaces))]
	kinds := []struct {
		what string
		do   func()
	}{
		{"flipped", func() {
			if n := len(first.Endorsement); n > 0 {
				first.Endorsement[m.random.Intn(n)] ^= 1 << m.random.Intn(8)
			}
		}},
		{"cut", func() { first.Endorsement = first.Endorsement[:max(0, len(first.Endorsement)-1)] }},
		{"trailing", func() { first.Endorsement = append(first.Endorsement, byte(m.random.Intn(256))) }},
		{"no signature", func() { first.Endorsement = nil }},
		{"other s", func() { first.Endorsement = otherS(first.Endorsement) }},
		{"extra integer", func() { first.Endorsement = extraInteger(first.Endorsement) }},
		{"one less", func() { list.EndorsementsWithIdentity = held[1:] }},
		{"reversed", func() {
			for i, j := 0, len(held)-1; i < j; i, j = i+1, j-1 {
				held[i], held[j] = held[j], held[i]
			}
		}},
		{"doubled", func() {
			list.EndorsementsWithIdentity = append(held, proto.Clone(first).(*applicationpb.EndorsementWithIdentity))
		}},
		{"bad before good", func() {
			bad := proto.Clone(first).(*applicationpb.EndorsementWithIdentity)
			bad.Endorsement = append([]byte{0x31}, bad.Endorsement...)
			list.EndorsementsWithIdentity = append([]*applicationpb.EndorsementWithIdentity{bad}, held...)
		}},
		{"no identity", func() { first.Identity = nil }},
		{"empty identity", func() { first.Identity = &msppb.Identity{} }},
		{"other MSP", func() {
			if first.Identity != nil {
				first.Identity.MspId = m.identities[m.random.Intn(len(m.identities))].GetMSPIdentifier()
			}
		}},
		{"junk entry", func() {
			list.EndorsementsWithIdentity = append(held, &applicationpb.EndorsementWithIdentity{
				Endorsement: m.bytes(80), Identity: msppb.NewIdentity("nobody", m.bytes(80)),
			})
		}},
		{"other PEM", func() {
			if first.Identity != nil && first.Identity.GetCertificate() != nil {
				text := m.otherPem(first.Identity.GetCertificate())
				first.Identity = msppb.NewIdentity(first.Identity.MspId, text)
			}
		}},
		{"no endorsements", func() { tx.Endorsements = nil }},
		{"other version", func() { ns.NsVersion++ }},
		{"huge version", func() { ns.NsVersion = m.random.Uint64() | 1<<63 }},
		{"other namespace", func() { ns.NsId = m.names[m.random.Intn(len(m.names))] }},
		{"unknown namespace", func() { ns.NsId = "nowhere" }},
		{"with _config", func() {
			tx.Namespaces = append(tx.Namespaces, &applicationpb.TxNamespace{NsId: committerpb.ConfigNamespaceID})
		}},
		{"more metadata", func() { tx.Metadata = append(tx.Metadata, m.bytes(5)) }},
		{"another write", func() { ns.BlindWrites = append(ns.BlindWrites, &applicationpb.Write{Key: m.bytes(30)}) }},
		{"version alias", func() {
			if len(ns.ReadsOnly) > 0 && ns.ReadsOnly[0].Version == nil {
				ns.ReadsOnly[0].Version = proto.Uint64(1<<64 - 1)
			}
		}},
		{"no version", func() {
			if len(ns.ReadWrites) > 0 {
				ns.ReadWrites[0].Version = nil
			}
		}},
	}
	kind := kinds[m.random.Intn(len(kinds))]
	kind.do()
	return kind.what
}

// otherPem writes a certificate in a way that some readers of PEM take and others do not.
func (m *made) otherPem(text []byte) []byte {
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	begin, end := lines[0], lines[len(lines)-1]
	content := bytes.Join(lines[1:len(lines)-1], nil)
	spaced := bytes.Join([][]byte{content[:30], content[30:]}, []byte(" \t"))
	join := func(by string, parts ...[]byte) []byte { return bytes.Join(parts, []byte(by)) }
	kinds := [][]byte{
		join("\n", begin, spaced, end),
		join("\r\n", begin, content, end),
		join("\r", begin, content, end),
		join("\n", begin, []byte("a: b"), content, end),
		join("\n", begin, append(bytes.Clone(content), '='), end),
		join("\n", begin, []byte("text"), begin, content, end),
		join("\n", begin, content, append(bytes.Clone(end), 'x'), begin, content, end),
		append([]byte("text\n"), text...),
		append([]byte("text"), text...),
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: text}),
		bytes.ReplaceAll(text, []byte("CERTIFICATE"), []byte("ANYTHING")),
	}
	return kinds[m.random.Intn(len(kinds))]
}

type scalars struct{ R, S *big.Int }

func otherS(data []byte) []byte {
	var found scalars
	if rest, err := asn1.Unmarshal(data, &found); err != nil || len(rest) > 0 {
		return data
	}
	found.S.Sub(elliptic.P256().Params().N, found.S)
	changed, err := asn1.Marshal(found)
	if err != nil {
		return data
	}
	return changed
}

func extraInteger(data []byte) []byte {
	var found scalars
	if rest, err := asn1.Unmarshal(data, &found); err != nil || len(rest) > 0 {
		return data
	}
	changed, err := asn1.Marshal(struct{ R, S, T *big.Int }{found.R, found.S, big.NewInt(7)})
	if err != nil {
		return data
	}
	return changed
}

func (m *made) update() *servicepb.VerifierUpdates {
	return &servicepb.VerifierUpdates{
		Config:            &applicationpb.ConfigTransaction{Envelope: m.config},
		NamespacePolicies: &applicationpb.NamespacePolicies{Policies: m.policies},
	}
}

// batches are the blocks as VerifierBatch messages.
func (m *made) batches(update bool) []*servicepb.VerifierBatch {
	var found []*servicepb.VerifierBatch
	for i, one := range m.requests {
		if i%m.blockSize == 0 {
			found = append(found, &servicepb.VerifierBatch{})
		}
		last := found[len(found)-1]
		last.Requests = append(last.Requests, one.request)
	}
	if update {
		found[0].Update = m.update()
	}
	return found
}
