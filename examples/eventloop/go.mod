module github.com/petrichor-protocol/petrichor/examples/eventloop

go 1.26.0

require (
	github.com/petrichor-protocol/petrichor v0.1.0
	golang.org/x/sys v0.49.0
)

require pgregory.net/rapid v1.3.0 // indirect
