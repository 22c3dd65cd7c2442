// Package petrichor stub.
package petrichor
