module pycore.invalid/cometbft-forms

go 1.22

require github.com/cometbft/cometbft v0.38.26
