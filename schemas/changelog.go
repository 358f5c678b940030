package schemas

import (
	"errors"
	"strings"
)

// Keys of sla-changelog. The first byte tells the kind; ids never hold a zero
// byte (the bridge refuses those that do).
const (
	KindConversation = 'c' // ConversationState
	KindMeta         = 'm' // PartitionMeta
	KindOrg          = 'o' // OrgState
	KindSource       = 's' // SourceState
)

// MetaKey is the changelog key of a partition's PartitionMeta.
var MetaKey = []byte{KindMeta}

// ConversationKey returns the changelog key of a conversation's state.
func ConversationKey(org, conversation string) []byte {
	return AppendConversationKey(make([]byte, 0, len(org)+len(conversation)+2), org, conversation)
}

// AppendConversationKey appends a ConversationKey to k.
func AppendConversationKey(k []byte, org, conversation string) []byte {
	k = append(append(k, KindConversation), org...)
	return append(append(k, 0), conversation...)
}

// ConversationPrefix is what the keys of an org's conversations begin with.
func ConversationPrefix(org string) []byte { return ConversationKey(org, "") }

// ParseConversationKey is the reverse of ConversationKey.
func ParseConversationKey(key []byte) (org, conversation string, err error) {
	if len(key) > 0 && key[0] == KindConversation {
		if o, c, ok := strings.Cut(string(key[1:]), "\x00"); ok {
			return o, c, nil
		}
	}
	return "", "", errors.New("not the key of a conversation")
}

// OrgKey returns the changelog key of an org's OrgState.
func OrgKey(org string) []byte { return AppendOrgKey(nil, org) }

// AppendOrgKey appends an OrgKey to k.
func AppendOrgKey(k []byte, org string) []byte { return append(append(k, KindOrg), org...) }

// SourceKey returns the changelog key of a bridge source's SourceState.
func SourceKey(source string) []byte { return append([]byte{KindSource}, source...) }
