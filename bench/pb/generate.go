// Package pb is what protoc makes of sample.proto.
package pb

// protoc is that of Debian, protobuf-compiler.  Newer versions of protoc-gen-go import unsafe in what
// they generate, which nothing in this repository may.
//
//go:generate go install google.golang.org/protobuf/cmd/protoc-gen-go@v1.34.2
//go:generate go install github.com/planetscale/vtprotobuf/cmd/protoc-gen-go-vtproto@v0.6.0
//go:generate protoc --go_out=. --go_opt=paths=source_relative --go-vtproto_out=. --go-vtproto_opt=paths=source_relative,features=marshal+unmarshal+size sample.proto
