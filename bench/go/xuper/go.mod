module pycore.invalid/xuper

go 1.20

require (
	github.com/golang/protobuf v1.4.3
	github.com/xuperchain/crypto v0.0.0-20230728040913-ea9045636ba9
	github.com/xuperchain/xupercore v0.0.0-20240510093443-56f3d1af20d7
)
