// Package calendar counts business time: opening hours, holidays and Genesys
// schedule groups (SLA.md section 4). It is pure; instants are passed in, as
// milliseconds since the Unix epoch.
//
// Wall times are kept on a clock without a zone and resolved in the calendar's
// zone last: one that does not exist moves forward by the gap, one that happens
// twice is its first occurrence, a stretch across a change counts its real
// length.
//
// Reads: nothing.
// Writes: nothing.
package calendar
