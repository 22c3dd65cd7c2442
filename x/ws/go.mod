module github.com/petrichor-protocol/petrichor/x/ws

go 1.26.0

require github.com/petrichor-protocol/petrichor v0.1.0

require (
	github.com/coder/websocket v1.8.15
	pgregory.net/rapid v1.3.0 // indirect
)
