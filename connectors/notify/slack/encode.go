package slack

import (
	"encoding/json"
	"strings"
	"unicode/utf8"

	slackapi "github.com/slack-go/slack"
)

// encode returns what encoding/json writes of a slackapi.WebhookMessage with this text
// and these blocks, a field a line. TestEncode compares the two.
func encode(text string, blocks []slackapi.Block) ([]byte, error) {
	b := appendText(append(make([]byte, 0, 4<<10), `{"text":`...), text)
	b = append(b, `,"blocks":[`...)
	for i, block := range blocks {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = appendBlock(b, block); err != nil {
			return nil, err
		}
	}
	return append(b, `],"replace_original":false,"delete_original":false}`...), nil
}

// appendBlock leaves what is not rich text in one section, which most is, to
// encoding/json.
func appendBlock(b []byte, block slackapi.Block) ([]byte, error) {
	if r, ok := block.(*slackapi.RichTextBlock); ok && r.BlockID == "" && len(r.Elements) == 1 {
		if section, ok := r.Elements[0].(*slackapi.RichTextSection); ok {
			if b, ok := appendSection(append(b, `{"type":"rich_text","elements":[`...), section); ok {
				return append(b, "]}"...), nil
			}
		}
	}
	value, err := json.Marshal(block)
	return append(b, value...), err
}

// appendSection takes plain and bold texts; false if there is anything else, or nothing.
func appendSection(b []byte, section *slackapi.RichTextSection) ([]byte, bool) {
	if len(section.Elements) == 0 {
		return nil, false
	}
	b = append(b, `{"type":"rich_text_section","elements":[`...)
	for i, e := range section.Elements {
		one, ok := e.(*slackapi.RichTextSectionTextElement)
		if !ok {
			return nil, false
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(append(b, `{"type":"text","text":`...), one.Text)
		switch {
		case one.Style == nil:
		case *one.Style == slackapi.RichTextSectionTextStyle{Bold: true}:
			b = append(b, `,"style":{"bold":true}`...)
		default:
			return nil, false
		}
		b = append(b, '}')
	}
	return append(b, "]}"...), true
}

// special says at which bytes appendText has to look.
var special = func() (table [256]bool) {
	for c := range table {
		if c < ' ' || c >= utf8.RuneSelf || strings.IndexByte(`"\<>&`, byte(c)) >= 0 {
			table[c] = true
		}
	}
	return table
}()

// appendText escapes as encoding/json does.
func appendText(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		if !special[s[i]] {
			i++
			continue
		}
		c, size := rune(s[i]), 1
		if c >= utf8.RuneSelf {
			c, size = utf8.DecodeRuneInString(s[i:])
		}
		escaped := ""
		switch {
		case c == '"', c == '\\':
			escaped = `\` + string(c)
		case c == '\n':
			escaped = `\n`
		case c == '\b':
			escaped = `\b`
		case c == '\f':
			escaped = `\f`
		case c == '\r':
			escaped = `\r`
		case c == '\t':
			escaped = `\t`
		case c < ' ', c == '<', c == '>', c == '&':
			escaped = `\u00` + hex[c>>4:c>>4+1] + hex[c&0xf:c&0xf+1]
		case c == '\u2028', c == '\u2029':
			escaped = `\u202` + hex[c&0xf:c&0xf+1]
		case c == utf8.RuneError && size == 1:
			escaped = `\ufffd`
		}
		if escaped != "" {
			b = append(append(b, s[from:i]...), escaped...)
			from = i + size
		}
		i += size
	}
	return append(append(b, s[from:]...), '"')
}
