package slack

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	slackapi "github.com/slack-go/slack"
	"pgregory.net/rapid"

	"unpark/connectors/notify/text"
)

// What is written by hand is what encoding/json writes of slack-go's types.
func TestEncode(t *testing.T) {
	compare := func(t interface {
		Fatalf(format string, args ...any)
	}, said text.Text, more ...slackapi.Block) {
		all := blocks(said, slices.Concat(linked(said), more)...)
		want, err := json.Marshal(slackapi.WebhookMessage{Text: fallback(said), Blocks: &slackapi.Blocks{BlockSet: all}})
		if err != nil {
			t.Fatalf("%v", err)
		}
		got, err := encode(fallback(said), all)
		if diff := cmp.Diff(string(want), string(got)); diff != "" || err != nil {
			t.Fatalf("%v %s", err, diff)
		}
	}
	for _, s := range text.Samples() {
		compare(t, (*text.Set)(nil).Render(s.Subject))
	}
	compare(t, text.Text{Headline: "h", Notes: []string{"a", "b"}}, rich(), rich(slackapi.NewRichTextSectionTextElement("i", &slackapi.RichTextSectionTextStyle{Italic: true})),
		slackapi.NewRichTextBlock("id", slackapi.NewRichTextSection(slackapi.NewRichTextSectionTextElement("t", nil))))
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.OneOf(rapid.StringMatching(`[ -~]{1,40}`), rapid.StringN(1, 40, -1),
			rapid.SampledFrom([]string{"\u2028\u2029\ufffd", "\xff\xfe\xe2\x80", "\"\\\n\t\r\b\f\x00\x1f\x7f", "Zoë 😀 <&>"}))
		compare(t, text.Text{Headline: words.Draw(t, "headline"), Advice: words.Draw(t, "advice"), Facts: []text.Fact{{Name: words.Draw(t, "name"), Value: words.Draw(t, "value")}}})
	})
}

func BenchmarkEncode(b *testing.B) {
	said := (*text.Set)(nil).Render(text.Samples()[0].Subject)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := encode(fallback(said), blocks(said, linked(said)...)); err != nil {
			b.Fatal(err)
		}
	}
}
