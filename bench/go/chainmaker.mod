module pycore.invalid/verdicts

go 1.24

require (
	chainmaker.org/chainmaker/common/v2 v2.3.0
	github.com/btcsuite/btcd v0.21.0-beta
	github.com/tjfoc/gmsm v1.4.1
)
