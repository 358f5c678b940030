// Package orgconfig follows the org-config topic and writes to it. The topic
// holds every version of every org's configuration; versions never change, and
// which one is in force is said by a ConfigActivated record on each partition of
// conversation-events, so that the log alone decides from where on it counts.
//
// Reads: org-config.
// Writes: org-config, conversation-events (ConfigActivated).
package orgconfig
