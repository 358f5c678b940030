// Package calendar counts business time: opening hours, holidays and Genesys
// schedule groups (SLA.md section 4). It is pure; instants are passed in.
//
// Reads: nothing.
// Writes: nothing.
package calendar
