// A client of the validation service in Go with generated stubs: mutual TLS, a bearer token, packed columns, errors.
//
//	client HOST:PORT FOLDER
//
// Prints a line for each thing it tried: a name, and what the service answered. tests/clients/test_clients.py makes the folder.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	pb "pycore.invalid/client/pb"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

const patience = 4 * time.Minute // for what hangs

// What the channel does by itself: calls go round over all addresses of the name, and what never reached a handler is sent again.
const serviceConfig = `{
  "loadBalancingConfig": [{"round_robin": {}}],
  "methodConfig": [{
    "name": [{"service": "pycore.validation.v1.ValidationService"}],
    "retryPolicy": {
      "maxAttempts": 4, "initialBackoff": "0.05s", "maxBackoff": "1s", "backoffMultiplier": 2,
      "retryableStatusCodes": ["UNAVAILABLE"]
    }
  }]
}`

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

func mutualTLS(folder string) credentials.TransportCredentials {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(must(os.ReadFile(filepath.Join(folder, "roots.pem"))))
	mine := must(tls.LoadX509KeyPair(filepath.Join(folder, "client.crt"), filepath.Join(folder, "client.key")))
	return credentials.NewTLS(&tls.Config{RootCAs: roots, Certificates: []tls.Certificate{mine}})
}

// A token as credentials of each call. RequireTransportSecurity keeps it off connections without TLS.
type bearer string

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(b)}, nil
}

func (bearer) RequireTransportSecurity() bool { return true }

func fixed(data []byte, width uint32) *pb.Column { return &pb.Column{Data: data, Width: width} }

// Code i is the verdict of item i; bit i of the bitmap says whether that is VALID.
func shown(verdicts *pb.Verdicts) string {
	var words []string
	for i, code := range verdicts.Codes {
		words = append(words, fmt.Sprintf("%d/%d", code, verdicts.Bitmap[i/8]>>(i%8)&1))
	}
	return strings.Join(words, " ")
}

func code(err error) string { return fmt.Sprintf("%d", status.Code(err)) }

// The field that an INVALID_ARGUMENT names, and how long a RESOURCE_EXHAUSTED says to wait.
func details(err error) (field string, wait time.Duration) {
	for _, detail := range status.Convert(err).Details() {
		switch detail := detail.(type) {
		case *errdetails.BadRequest:
			field = detail.FieldViolations[0].Field
		case *errdetails.RetryInfo:
			wait = detail.RetryDelay.AsDuration()
		}
	}
	return field, wait
}

func main() {
	target, folder := os.Args[1], os.Args[2]
	read := func(name string) []byte { return must(os.ReadFile(filepath.Join(folder, name))) }
	token := bearer(strings.TrimSpace(string(read("token"))))
	slow := bearer(strings.TrimSpace(string(read("slow-token"))))
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()

	connection := must(grpc.NewClient("dns:///"+target,
		grpc.WithTransportCredentials(mutualTLS(folder)),
		grpc.WithDefaultServiceConfig(serviceConfig),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(64<<20)), // answers may be larger than the default of 4 MiB
	))
	defer connection.Close()
	client := pb.NewValidationServiceClient(connection)

	health := must(healthpb.NewHealthClient(connection).Check(ctx, &healthpb.HealthCheckRequest{}))
	fmt.Println("health", health.Status)

	request := &pb.VerifySignaturesRequest{
		Scheme:     "ed25519",
		PublicKeys: fixed(read("keys"), 32),
		Signatures: fixed(read("signatures"), 64),
		Messages:   fixed(read("messages"), 24),
	}
	answer := must(client.VerifySignatures(ctx, request, grpc.PerRPCCredentials(token)))
	fmt.Println("verdicts", shown(answer.Verdicts))

	_, err := client.VerifySignatures(ctx, request)
	fmt.Println("nobody", code(err))

	unknown := &pb.VerifySignaturesRequest{Scheme: "rsa"}
	_, err = client.VerifySignatures(ctx, unknown, grpc.PerRPCCredentials(token))
	field, _ := details(err)
	fmt.Println("refused", code(err), field)

	err = nil
	for i := 0; i < 100 && err == nil; i++ {
		_, err = client.VerifySignatures(ctx, request, grpc.PerRPCCredentials(slow))
	}
	_, wait := details(err)
	fmt.Println("throttled", code(err), wait > 0)
	for i := 0; i < 100 && status.Code(err) == codes.ResourceExhausted; i++ {
		_, wait = details(err)
		time.Sleep(wait)
		_, err = client.VerifySignatures(ctx, request, grpc.PerRPCCredentials(slow))
	}
	fmt.Println("waited", code(err))

	stream := must(client.VerifySignatureStream(ctx, grpc.PerRPCCredentials(token)))
	go func() {
		for i, batch := range []*pb.VerifySignaturesRequest{request, unknown, request} {
			if stream.Send(&pb.VerifySignatureStreamRequest{Id: uint64(7 + i), Batch: batch}) != nil {
				return // Recv says why
			}
		}
		_ = stream.CloseSend()
	}()
	fmt.Print("stream")
	for {
		one, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		must(one, err)
		if wrong := one.GetError(); wrong != nil {
			fmt.Printf(" %d:%d:%s", one.Id, wrong.Code, wrong.Field)
		} else {
			fmt.Printf(" %d:%d", one.Id, one.GetVerdicts().ValidCount)
		}
	}
	fmt.Println()

	// A stream that nobody closes ends at its deadline; here the token goes along as plain metadata.
	brief, stop := context.WithTimeout(ctx, 300*time.Millisecond)
	defer stop()
	brief = metadata.AppendToOutgoingContext(brief, "authorization", "Bearer "+string(token))
	if stream, err = client.VerifySignatureStream(brief); err == nil {
		_, err = stream.Recv()
	}
	fmt.Println("deadline", code(err))

	// An answer of 4.2 MiB, first with the limit that grpc-go has by itself.
	hashes := &pb.HashBatchRequest{Algorithm: "sha256", Messages: &pb.Column{Offsets: make([]byte, 4*140001)}}
	_, err = client.HashBatch(ctx, hashes, grpc.PerRPCCredentials(token), grpc.MaxCallRecvMsgSize(4<<20))
	_, raised := client.HashBatch(ctx, hashes, grpc.PerRPCCredentials(token))
	fmt.Println("large", code(err), code(raised))
}
