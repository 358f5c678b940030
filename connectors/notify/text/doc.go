// Package text puts escalations in words: templates that an org may write itself
// (Rules), and the defaults for what it does not write.
//
// A text is plain: it holds no markup, and whoever shows it escapes all of it.
// Names come from Genesys, where many people may choose them, so control
// characters are taken out and lengths are bounded. A template can do nothing but
// put fields together: no loops, no calls, no methods.
//
// Reads: nothing.
// Writes: nothing.
package text
