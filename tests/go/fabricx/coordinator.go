package main

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/hyperledger/fabric-x-common/api/applicationpb"
	"github.com/hyperledger/fabric-x-common/api/committerpb"

	"github.com/hyperledger/fabric-x-committer/api/servicepb"
	"github.com/hyperledger/fabric-x-committer/mock"
	"github.com/hyperledger/fabric-x-committer/service/coordinator"
	"github.com/hyperledger/fabric-x-committer/utils/connection"
	"github.com/hyperledger/fabric-x-committer/utils/serve"
)

// committer is the module's mock of the validator-committer, as a service that starts.
type committer struct{ *mock.VcService }

func (committer) Run(ctx context.Context) error         { <-ctx.Done(); return nil }
func (committer) WaitForReady(ctx context.Context) bool { return true }

var _ serve.Service = committer{}

func endpoint(address string) connection.MultiClientConfig {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		panic(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		panic(err)
	}
	return connection.MultiClientConfig{
		Endpoints: []*connection.Endpoint{{Host: host, Port: number}}, TLS: connection.TLSConfig{Mode: "none"},
	}
}

// coordinate runs the module's coordinator on the target. The configuration comes as the transaction of block 0 and the
// policies as one of _meta in block 1, so the verifier is told of them by updates.
func coordinate(ctx context.Context) error {
	m, err := generate(*seed, *count, *block)
	if err != nil {
		return err
	}
	theirs, err := ask(ctx, startVerifier(ctx), m.batches(true))
	if err != nil {
		return err
	}
	service := coordinator.NewCoordinatorService(&coordinator.Config{
		Verifier:                      endpoint(*target),
		ValidatorCommitter:            endpoint(startService(ctx, committer{mock.NewMockVcService()})),
		DependencyGraph:               &coordinator.DependencyGraphConfig{NumOfLocalDepConstructors: 1, WaitingTxsLimit: 100_000},
		ChannelBufferSizePerGoroutine: 10,
	})
	address := startService(ctx, service)
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	if !service.WaitForReady(ctx) {
		return fmt.Errorf("the coordinator does not become ready")
	}
	stream, err := servicepb.NewCoordinatorClient(dial(address)).BlockProcessing(ctx)
	if err != nil {
		return err
	}
	ours := map[place]committerpb.Status{}
	submit := func(txs []*servicepb.TxWithRef) error {
		if err := stream.Send(&servicepb.CoordinatorBatch{Txs: txs}); err != nil {
			return err
		}
		for last := len(ours) + len(txs); len(ours) < last; {
			answer, err := stream.Recv()
			if err != nil {
				return err
			}
			for _, status := range answer.Status {
				ours[placeOf(status.Ref)] = status.Status
			}
		}
		return nil
	}
	first, err := m.first()
	if err != nil {
		return err
	}
	for _, one := range first {
		if err := submit([]*servicepb.TxWithRef{one}); err != nil {
			return err
		}
		if found := ours[placeOf(one.Ref)]; found != committerpb.Status_COMMITTED {
			return fmt.Errorf("%s: %v", one.Ref.TxId, found)
		}
	}
	for _, batch := range m.batches(false) {
		if err := submit(batch.Requests); err != nil {
			return err
		}
	}
	return m.judge(theirs, ours)
}

// first are the transactions of blocks 0 and 1.
func (m *made) first() ([]*servicepb.TxWithRef, error) {
	config := &applicationpb.Tx{Namespaces: []*applicationpb.TxNamespace{{
		NsId:        committerpb.ConfigNamespaceID,
		BlindWrites: []*applicationpb.Write{{Key: []byte(committerpb.ConfigKey), Value: m.config}},
	}}}
	meta := &applicationpb.Tx{Namespaces: []*applicationpb.TxNamespace{{NsId: committerpb.MetaNamespaceID}}}
	for _, one := range m.policies {
		meta.Namespaces[0].ReadWrites = append(meta.Namespaces[0].ReadWrites,
			&applicationpb.ReadWrite{Key: []byte(one.Namespace), Value: one.Policy})
	}
	signed, err := m.lifecycle("policies", meta, 0)
	if err != nil {
		return nil, err
	}
	meta.Endorsements = []*applicationpb.Endorsements{signed}
	return []*servicepb.TxWithRef{
		{Ref: committerpb.NewTxRef("configuration", 0, 0), Content: config},
		{Ref: committerpb.NewTxRef("policies", 1, 0), Content: meta},
	}, nil
}
