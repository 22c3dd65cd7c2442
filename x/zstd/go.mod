module github.com/petrichor-protocol/petrichor/x/zstd

go 1.26.0

require (
	github.com/klauspost/compress v1.20.3
	github.com/petrichor-protocol/petrichor v0.1.0
)
