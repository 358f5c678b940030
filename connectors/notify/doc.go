// Package notify tells people: it takes escalations from the topic, finds the
// destinations that the org's rules name for them, and sees each delivered or
// given up.
//
// Reads: escalations, org-config (through Configs).
// Writes: the destinations, dead-letters.
package notify
