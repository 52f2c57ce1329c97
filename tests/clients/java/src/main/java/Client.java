import com.google.protobuf.ByteString;
import com.google.protobuf.Duration;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.RetryInfo;
import io.grpc.CallCredentials;
import io.grpc.Grpc;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.StatusRuntimeException;
import io.grpc.TlsChannelCredentials;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import pycore.validation.v1.ColumnOuterClass.Column;
import pycore.validation.v1.Hash.HashBatchRequest;
import pycore.validation.v1.Signature.VerifySignatureStreamRequest;
import pycore.validation.v1.Signature.VerifySignatureStreamResponse;
import pycore.validation.v1.Signature.VerifySignaturesRequest;
import pycore.validation.v1.ValidationServiceGrpc;
import pycore.validation.v1.ValidationServiceGrpc.ValidationServiceBlockingStub;
import pycore.validation.v1.ValidationServiceGrpc.ValidationServiceStub;
import pycore.validation.v1.VerdictOuterClass.Verdicts;

/**
 * A client of the validation service in Java with generated stubs: mutual TLS, a bearer token, packed columns, errors.
 *
 * <p>{@code Client HOST:PORT FOLDER} prints a line for each thing it tried: a name, and what the service answered.
 * tests/clients/test_clients.py makes the folder.
 */
public final class Client {
  private static final long PATIENCE_S = 240; // for what hangs

  // What the channel does by itself: calls go round over all addresses of the name, and what never reached a handler is sent again.
  private static final Map<String, Object> SERVICE_CONFIG =
      Map.of(
          "loadBalancingConfig", List.of(Map.of("round_robin", Map.of())),
          "methodConfig",
              List.of(
                  Map.of(
                      "name", List.of(Map.of("service", "pycore.validation.v1.ValidationService")),
                      "retryPolicy",
                          Map.of(
                              "maxAttempts", 4.0,
                              "initialBackoff", "0.05s",
                              "maxBackoff", "1s",
                              "backoffMultiplier", 2.0,
                              "retryableStatusCodes", List.of("UNAVAILABLE")))));

  private final Path folder;

  private Client(Path folder) {
    this.folder = folder;
  }

  private Path path(String name) {
    return folder.resolve(name);
  }

  private byte[] read(String name) throws IOException {
    return Files.readAllBytes(path(name));
  }

  /** A token as credentials of each call, which are kept off connections without TLS. */
  private static final class Bearer extends CallCredentials {
    private static final Metadata.Key<String> KEY = Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
    private final String token;

    Bearer(byte[] file) {
      this.token = new String(file, java.nio.charset.StandardCharsets.US_ASCII).strip();
    }

    @Override
    public void applyRequestMetadata(RequestInfo info, Executor executor, MetadataApplier applier) {
      if (info.getSecurityLevel() != io.grpc.SecurityLevel.PRIVACY_AND_INTEGRITY) {
        applier.fail(io.grpc.Status.UNAUTHENTICATED.withDescription("tokens need TLS"));
        return;
      }
      Metadata headers = new Metadata();
      headers.put(KEY, "Bearer " + token);
      applier.apply(headers);
    }
  }

  private static Column fixed(byte[] data, int width) {
    return Column.newBuilder().setData(ByteString.copyFrom(data)).setWidth(width).build();
  }

  /** Code i is the verdict of item i; bit i of the bitmap says whether that is VALID. */
  private static String shown(Verdicts verdicts) {
    return IntStream.range(0, verdicts.getCount())
        .mapToObj(i -> verdicts.getCodes().byteAt(i) + "/" + (verdicts.getBitmap().byteAt(i / 8) >> (i % 8) & 1))
        .collect(Collectors.joining(" "));
  }

  private interface Call {
    void run();
  }

  /** What a call was refused with; null where it was answered. */
  private static StatusRuntimeException refusal(Call call) {
    try {
      call.run();
      return null;
    } catch (StatusRuntimeException error) {
      return error;
    }
  }

  private static int code(Throwable error) {
    return error == null ? 0 : io.grpc.Status.fromThrowable(error).getCode().value();
  }

  /** The detail of a kind that an error carries, or the kind's default. */
  @SuppressWarnings("unchecked")
  private static <T extends com.google.protobuf.Message> T detail(StatusRuntimeException error, T kind)
      throws InvalidProtocolBufferException {
    for (com.google.protobuf.Any any : StatusProto.fromThrowable(error).getDetailsList()) {
      if (any.is(kind.getClass())) {
        return (T) any.unpack(kind.getClass());
      }
    }
    return kind;
  }

  private static long waitMillis(StatusRuntimeException error) throws InvalidProtocolBufferException {
    Duration delay = detail(error, RetryInfo.getDefaultInstance()).getRetryDelay();
    return delay.getSeconds() * 1000 + (delay.getNanos() + 999_999) / 1_000_000; // rounded up
  }

  private void run(String target) throws Exception {
    var tls =
        TlsChannelCredentials.newBuilder()
            .trustManager(path("roots.pem").toFile())
            .keyManager(path("client.crt").toFile(), path("client.key").toFile())
            .build();
    ManagedChannel channel =
        Grpc.newChannelBuilder("dns:///" + target, tls)
            .defaultServiceConfig(SERVICE_CONFIG)
            .maxInboundMessageSize(64 << 20) // answers may be larger than the default of 4 MiB
            .build();
    try {
      ask(channel);
    } finally {
      channel.shutdownNow().awaitTermination(10, TimeUnit.SECONDS);
    }
  }

  private void ask(ManagedChannel channel) throws Exception {
    var health = HealthGrpc.newBlockingStub(channel).withDeadlineAfter(PATIENCE_S, TimeUnit.SECONDS);
    System.out.println("health " + health.check(HealthCheckRequest.getDefaultInstance()).getStatus());

    // A deadline of a stub counts from this line on: make a stub for each call, or set it again.
    ValidationServiceBlockingStub nobody =
        ValidationServiceGrpc.newBlockingStub(channel).withDeadlineAfter(PATIENCE_S, TimeUnit.SECONDS);
    ValidationServiceBlockingStub client = nobody.withCallCredentials(new Bearer(read("token")));
    ValidationServiceBlockingStub slow = nobody.withCallCredentials(new Bearer(read("slow-token")));
    VerifySignaturesRequest request =
        VerifySignaturesRequest.newBuilder()
            .setScheme("ed25519")
            .setPublicKeys(fixed(read("keys"), 32))
            .setSignatures(fixed(read("signatures"), 64))
            .setMessages(fixed(read("messages"), 24))
            .build();
    System.out.println("verdicts " + shown(client.verifySignatures(request).getVerdicts()));

    System.out.println("nobody " + code(refusal(() -> nobody.verifySignatures(request))));

    VerifySignaturesRequest unknown = VerifySignaturesRequest.newBuilder().setScheme("rsa").build();
    StatusRuntimeException refused = refusal(() -> client.verifySignatures(unknown));
    String field = detail(refused, BadRequest.getDefaultInstance()).getFieldViolations(0).getField();
    System.out.println("refused " + code(refused) + " " + field);

    StatusRuntimeException full = null;
    for (int i = 0; i < 100 && full == null; i++) {
      full = refusal(() -> slow.verifySignatures(request));
    }
    System.out.println("throttled " + code(full) + " " + (waitMillis(full) > 0));
    while (full != null && full.getStatus().getCode() == io.grpc.Status.Code.RESOURCE_EXHAUSTED) {
      Thread.sleep(waitMillis(full));
      full = refusal(() -> slow.verifySignatures(request));
    }
    System.out.println("waited " + code(full));

    ValidationServiceStub streams =
        ValidationServiceGrpc.newStub(channel).withCallCredentials(new Bearer(read("token")));
    Answers answers = new Answers();
    StreamObserver<VerifySignatureStreamRequest> stream =
        streams.withDeadlineAfter(PATIENCE_S, TimeUnit.SECONDS).verifySignatureStream(answers);
    long id = 7;
    for (VerifySignaturesRequest batch : List.of(request, unknown, request)) {
      stream.onNext(VerifySignatureStreamRequest.newBuilder().setId(id++).setBatch(batch).build());
    }
    stream.onCompleted();
    Throwable failed = answers.ended.get(PATIENCE_S, TimeUnit.SECONDS);
    System.out.println("stream" + (failed == null ? answers.found : failed));

    // A stream that nobody closes ends at its deadline.
    Answers none = new Answers();
    streams.withDeadlineAfter(300, TimeUnit.MILLISECONDS).verifySignatureStream(none);
    System.out.println("deadline " + code(none.ended.get(PATIENCE_S, TimeUnit.SECONDS)));

    // An answer of 4.2 MiB, first with the limit that grpc-java has by itself.
    HashBatchRequest hashes =
        HashBatchRequest.newBuilder()
            .setAlgorithm("sha256")
            .setMessages(Column.newBuilder().setOffsets(ByteString.copyFrom(new byte[4 * 140001])))
            .build();
    StatusRuntimeException large = refusal(() -> client.withMaxInboundMessageSize(4 << 20).hashBatch(hashes));
    System.out.println("large " + code(large) + " " + code(refusal(() -> client.hashBatch(hashes))));
  }

  private static final class Answers implements StreamObserver<VerifySignatureStreamResponse> {
    final StringBuilder found = new StringBuilder();
    final CompletableFuture<Throwable> ended = new CompletableFuture<>();

    @Override
    public void onNext(VerifySignatureStreamResponse one) {
      found.append(' ').append(one.getId()).append(':');
      if (one.hasError()) {
        found.append(one.getError().getCode()).append(':').append(one.getError().getField());
      } else {
        found.append(one.getVerdicts().getValidCount());
      }
    }

    @Override
    public void onError(Throwable error) {
      ended.complete(error);
    }

    @Override
    public void onCompleted() {
      ended.complete(null);
    }
  }

  public static void main(String[] arguments) throws Exception {
    new Client(Path.of(arguments[1])).run(arguments[0]);
  }
}
