module github.com/petrichor-protocol/petrichor/x/ssh

go 1.26.0

require github.com/petrichor-protocol/petrichor v0.1.0

require (
	golang.org/x/crypto v0.54.0
	golang.org/x/sys v0.47.0 // indirect
	pgregory.net/rapid v1.3.0 // indirect
)
