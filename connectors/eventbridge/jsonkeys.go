package eventbridge

import "bytes"

// maxKeys bounds how many keys are remembered, maxKey how many bytes of each: an
// envelope has some forty.
const (
	maxKeys = 256
	maxKey  = 64
)

// keyring remembers which key came behind which. Who writes envelopes writes their
// fields in one order, so that most keys are not read: they are compared with the one
// that is expected.
type keyring struct {
	known map[string]*knownKey // by how they are written
	begin knownKey             // stands before the first key of a text
}

// knownKey is a key that was read before.
type knownKey struct {
	written []byte // with its quotes and the colon
	name    []byte
	next    *knownKey // came behind it last
	word    enum      // its last value, if that is one
}

func newKeyring() *keyring { return &keyring{known: make(map[string]*knownKey)} }

// learn returns the key that is written behind another, which is expected there from
// now on; nil if it is not remembered.
func (r *keyring) learn(last *knownKey, written, name []byte) *knownKey {
	k := r.known[string(written)]
	if k == nil {
		plain := len(written) == len(name)+len(`"":`) && bytes.Equal(written[1:len(name)+1], name)
		if !plain || len(name) > maxKey || len(r.known) == maxKeys {
			return nil
		}
		written = bytes.Clone(written)
		k = &knownKey{written: written, name: written[1 : len(name)+1]}
		r.known[string(written)] = k
	}
	if last != nil {
		last.next = k
	}
	return k
}
