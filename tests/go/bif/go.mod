module pycore.invalid/bif

go 1.21

require (
	github.com/caict-4iot-dev/BIF-Core-SDK-Go v0.0.0-20230406073236-60962e535278
	google.golang.org/protobuf v1.27.1
)
