// Runs a Fabric-X committer's own verifier and coordinator, as its module is published, next to another verifier.
//
//	fabricx -mode serve                          its verifier alone; prints the address
//	fabricx -mode compare -target HOST:PORT      the same transactions to both verifiers, statuses compared
//	fabricx -mode coordinator -target HOST:PORT  its coordinator on the target, its verifier asked for what is expected
//	fabricx -mode write -out FILE                VerifierBatch messages, each after its length (uvarint)
//	fabricx -mode read                           VerifierBatch messages in hexadecimal, one a line: written again, or "-"
//
// The last line of standard output is a JSON object.
package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"time"

	"github.com/hyperledger/fabric-lib-go/common/flogging"
	"github.com/hyperledger/fabric-x-common/api/committerpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"

	"github.com/hyperledger/fabric-x-committer/api/servicepb"
	"github.com/hyperledger/fabric-x-committer/service/verifier"
	"github.com/hyperledger/fabric-x-committer/utils/connection"
	"github.com/hyperledger/fabric-x-committer/utils/serve"
)

const messageLimit = 100 << 20

var (
	mode   = flag.String("mode", "compare", "serve, compare, coordinator, write or read")
	target = flag.String("target", "", "address of the other verifier")
	count  = flag.Int("n", 2000, "transactions")
	seed   = flag.Int64("seed", 1, "of what is generated")
	block  = flag.Int("block", 500, "transactions of a block")
	bls    = flag.Int("bls", 4, "of 10,000 transactions, those with BLS signatures")
	sound  = flag.String("sound", "", "only sound transactions, of this namespace")
	out    = flag.String("out", "", "file of messages")
	cpus   = flag.Int("parallelism", 4, "of its verifier")
)

func main() {
	flag.Parse()
	flogging.Init(flogging.Config{LogSpec: "fatal"})
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	switch *mode {
	case "serve":
		fmt.Println(startVerifier(ctx))
		<-ctx.Done()
	case "compare":
		err = compare(ctx)
	case "coordinator":
		err = coordinate(ctx)
	case "write":
		err = write()
	case "read":
		err = read()
	default:
		err = fmt.Errorf("no mode %q", *mode)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// read answers each message of standard input with what Go's parser finds in it, without unknown fields.
func read() error {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 1<<20), 1<<28)
	for lines.Scan() {
		data, err := hex.DecodeString(lines.Text())
		if err != nil {
			return err
		}
		batch := &servicepb.VerifierBatch{}
		if (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(data, batch) != nil {
			fmt.Println("-")
			continue
		}
		again, err := proto.MarshalOptions{Deterministic: true}.Marshal(batch)
		if err != nil {
			return err
		}
		fmt.Println(hex.EncodeToString(again) + ".")
	}
	return lines.Err()
}

// startService serves one of the committer's services on a free port.
func startService(ctx context.Context, service serve.Service) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	_ = listener.Close()
	config := &serve.Config{GRPC: serve.ServerConfig{Endpoint: connection.Endpoint{Host: "127.0.0.1", Port: port}}}
	go func() {
		if err := serve.StartAndServe(ctx, service, config); err != nil && ctx.Err() == nil {
			log.Fatal(err)
		}
	}()
	address := config.GRPC.Endpoint.Address()
	for ctx.Err() == nil { // until it listens: whoever calls does not try twice
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			_ = conn.Close()
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	return address
}

func startVerifier(ctx context.Context) string {
	return startService(ctx, verifier.New(&verifier.Config{
		Parallelism: *cpus, BatchSizeCutoff: 50, BatchTimeCutoff: 10 * time.Millisecond, ChannelBufferSize: 50,
	}))
}

func dial(address string) *grpc.ClientConn {
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(messageLimit), grpc.MaxCallSendMsgSize(messageLimit)))
	if err != nil {
		log.Fatal(err)
	}
	return conn
}

type place struct {
	block uint64
	tx    uint32
}

func placeOf(ref *committerpb.TxRef) place { return place{ref.BlockNum, ref.TxNum} }

// ask sends batches to a verifier and collects the statuses of all requests.
func ask(ctx context.Context, address string, batches []*servicepb.VerifierBatch) (map[place]committerpb.Status, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := servicepb.NewVerifierClient(dial(address)).StartStream(ctx)
	if err != nil {
		return nil, err
	}
	total := 0
	for _, batch := range batches {
		total += len(batch.Requests)
	}
	go func() {
		for _, batch := range batches {
			if err := stream.Send(batch); err != nil {
				return // the receiving side has the error
			}
		}
	}()
	found := make(map[place]committerpb.Status, total)
	for len(found) < total {
		answer, err := stream.Recv()
		if err != nil {
			return found, fmt.Errorf("%s, after %d of %d statuses: %w", address, len(found), total, err)
		}
		for _, status := range answer.Status {
			at := placeOf(status.Ref)
			if _, twice := found[at]; twice {
				return found, fmt.Errorf("%s: two statuses for %v", address, at)
			}
			found[at] = status.Status
		}
	}
	return found, nil
}

type report struct {
	Transactions int            `json:"transactions"`
	Committed    int            `json:"committed"`
	Differences  []string       `json:"differences"`
	Counts       map[string]int `json:"counts"`
}

func compare(ctx context.Context) error {
	made, err := generate(*seed, *count, *block)
	if err != nil {
		return err
	}
	batches := made.batches(true)
	theirs, err := ask(ctx, startVerifier(ctx), batches)
	if err != nil {
		return err
	}
	ours, err := ask(ctx, *target, batches)
	if err != nil {
		return err
	}
	return made.judge(theirs, ours)
}

func (m *made) judge(theirs, ours map[place]committerpb.Status) error {
	r := report{Differences: []string{}, Counts: map[string]int{}}
	for _, one := range m.requests {
		at := placeOf(one.request.Ref)
		r.Transactions++
		if theirs[at] == committerpb.Status_COMMITTED {
			r.Committed++
		}
		r.Counts[fmt.Sprintf("%s/%d", one.what, theirs[at])]++
		if theirs[at] != ours[at] {
			r.Differences = append(r.Differences, fmt.Sprintf("%s %v: %d, not %d", one.what, at, ours[at], theirs[at]))
		}
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}

func write() error {
	made, err := generate(*seed, *count, *block)
	if err != nil {
		return err
	}
	file, err := os.Create(*out)
	if err != nil {
		return err
	}
	buffer := bufio.NewWriter(file)
	for _, batch := range made.batches(true) {
		data, err := proto.Marshal(batch)
		if err != nil {
			return err
		}
		_, _ = buffer.Write(binary.AppendUvarint(nil, uint64(len(data))))
		_, _ = buffer.Write(data)
	}
	if err := buffer.Flush(); err != nil {
		return err
	}
	return file.Close()
}
