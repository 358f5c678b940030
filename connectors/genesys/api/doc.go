// Package api is the client of the Genesys Cloud operations that unpark uses,
// generated from openapi.yaml beside it (make generate).
//
// Reads: the Genesys API.
// Writes: the Genesys API.
package api
