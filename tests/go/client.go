// A client of the validation service in Go, written from docs/guides/service.md: verifies bundles, and a changed copy of each.
//
//	client HOST:PORT FOLDER
//
// FOLDER has NAME.bundle and NAME.trusted.json files. Prints one JSON object: name -> what the service answered.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
)

const service = "/pycore.validation.v1.ValidationService/"

// Field numbers of pycore/validation/v1/bundle.proto.
const (
	requestTrusted, requestBundle = 1, 2
	answerReport, answerTrusted   = 1, 2
	reportHeight, reportProven    = 5, 8
	reportVoter, reportFacts      = 12, 13
)

// Messages are encoded and decoded here, so there is no generated code.
type plain struct{}

func (plain) Marshal(v any) ([]byte, error) { return v.([]byte), nil }

func (plain) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = append([]byte(nil), data...)
	return nil
}

func (plain) Name() string { return "proto" }

func init() { encoding.RegisterCodec(plain{}) }

// The fields of a message: the last number of each, and every piece of bytes.
type message struct {
	numbers map[protowire.Number]uint64
	pieces  map[protowire.Number][][]byte
}

func parse(data []byte) (message, error) {
	found := message{map[protowire.Number]uint64{}, map[protowire.Number][][]byte{}}
	for len(data) > 0 {
		number, kind, size := protowire.ConsumeTag(data)
		if size < 0 {
			return found, protowire.ParseError(size)
		}
		data = data[size:]
		switch kind {
		case protowire.VarintType:
			var value uint64
			if value, size = protowire.ConsumeVarint(data); size >= 0 {
				found.numbers[number] = value
			}
		case protowire.BytesType:
			var value []byte
			if value, size = protowire.ConsumeBytes(data); size >= 0 {
				found.pieces[number] = append(found.pieces[number], value)
			}
		default:
			size = protowire.ConsumeFieldValue(number, kind, data)
		}
		if size < 0 {
			return found, protowire.ParseError(size)
		}
		data = data[size:]
	}
	return found, nil
}

func (m message) one(number protowire.Number) []byte {
	if pieces := m.pieces[number]; len(pieces) > 0 {
		return pieces[len(pieces)-1]
	}
	return nil
}

type answer struct {
	Proven   bool            `json:"proven"`
	Height   uint64          `json:"height"`
	Facts    json.RawMessage `json:"facts"`
	Voters   []string        `json:"voters"`
	Moved    bool            `json:"moved"`
	Changed  bool            `json:"changed"`  // whether anything was proven by a changed copy
	Refusals int             `json:"refusals"` // of the changed copies, those that the service did not read at all
}

func call(connection *grpc.ClientConn, method string, trusted, bundle []byte) (message, error) {
	request := protowire.AppendTag(nil, requestTrusted, protowire.BytesType)
	request = protowire.AppendBytes(request, trusted)
	request = protowire.AppendTag(request, requestBundle, protowire.BytesType)
	request = protowire.AppendBytes(request, bundle)
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute) // for what hangs
	defer cancel()
	var data []byte
	if err := connection.Invoke(ctx, service+method, request, &data); err != nil {
		return message{}, err
	}
	return parse(data)
}

func verify(connection *grpc.ClientConn, trusted, bundle []byte) (message, error) {
	found, err := call(connection, "VerifyBundle", trusted, bundle)
	if err != nil {
		return found, err
	}
	return parse(found.one(answerReport))
}

func ask(connection *grpc.ClientConn, trusted, bundle []byte) (answer, error) {
	report, err := verify(connection, trusted, bundle)
	if err != nil {
		return answer{}, err
	}
	result := answer{Proven: report.numbers[reportProven] == 1, Height: report.numbers[reportHeight]}
	result.Facts = report.one(reportFacts)
	result.Voters = []string{}
	for _, voter := range report.pieces[reportVoter] {
		result.Voters = append(result.Voters, string(voter))
	}
	moved, err := call(connection, "AdvanceTrust", trusted, bundle)
	if err != nil {
		return result, err
	}
	result.Moved = len(moved.one(answerTrusted)) > 0
	for at := 0; at < len(bundle); at += 1 + len(bundle)/16 {
		changed := append([]byte(nil), bundle...)
		changed[at] ^= 1
		report, err := verify(connection, trusted, changed)
		switch {
		case status.Code(err) == codes.InvalidArgument:
			result.Refusals++
		case err != nil:
			return result, err
		case report.numbers[reportProven] == 1:
			result.Changed = true
		}
	}
	return result, nil
}

func run(target, folder string) error {
	connection, err := grpc.NewClient(target, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	files, err := filepath.Glob(filepath.Join(folder, "*.bundle"))
	if err != nil {
		return err
	}
	answers := map[string]answer{}
	for _, file := range files {
		bundle, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		name := strings.TrimSuffix(file, ".bundle")
		trusted, err := os.ReadFile(name + ".trusted.json")
		if err != nil {
			return err
		}
		if answers[filepath.Base(name)], err = ask(connection, trusted, bundle); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return json.NewEncoder(os.Stdout).Encode(answers)
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "client HOST:PORT FOLDER")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
