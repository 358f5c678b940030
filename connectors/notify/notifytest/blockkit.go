package notifytest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Limits of Block Kit (docs.slack.dev/reference/block-kit) and of a message.
const (
	maxBlocks     = 50
	maxBlocksSize = 13_000 // characters; from there on msg_blocks_too_long
	maxText       = 40_000
)

// checkBlocks refuses what Slack would refuse as invalid_blocks, of the blocks that
// unpark uses.
func checkBlocks(raw string) error {
	var blocks []json.RawMessage
	if err := json.Unmarshal([]byte(raw), &blocks); err != nil {
		return errors.New("blocks are no list")
	}
	if len(blocks) < 1 || len(blocks) > maxBlocks {
		return fmt.Errorf("%d blocks", len(blocks))
	}
	actions := map[string]bool{}
	for _, b := range blocks {
		if err := checkBlock(b, actions); err != nil {
			return err
		}
	}
	return nil
}

func checkBlock(raw json.RawMessage, actions map[string]bool) error {
	b, err := parse(raw)
	if err != nil {
		return err
	}
	if err := b.only("type", "block_id", "elements"); err != nil {
		return err
	}
	check, most := map[string]func(object) error{
		"rich_text": checkSection, "context": checkPlain, "actions": func(o object) error { return checkButton(o, actions) },
	}[b.str("type")], map[string]int{"rich_text": 100, "context": 10, "actions": 25}[b.str("type")]
	elements := b.list("elements")
	if check == nil || len(elements) < 1 || len(elements) > most {
		return fmt.Errorf("block %q with %d elements", b.str("type"), len(elements))
	}
	return each(elements, check)
}

func each(raw []json.RawMessage, check func(object) error) error {
	for _, r := range raw {
		o, err := parse(r)
		if err == nil {
			err = check(o)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func checkSection(o object) error {
	if o.str("type") != "rich_text_section" || len(o.list("elements")) == 0 {
		return fmt.Errorf("rich text of %q", o.str("type"))
	}
	return errors.Join(o.only("type", "elements"), each(o.list("elements"), checkRun))
}

func checkRun(o object) error {
	switch o.str("type") {
	case "text":
		return errors.Join(o.only("type", "text", "style"), length("text", o.str("text"), 3000))
	case "link":
		return errors.Join(o.only("type", "text", "url", "style"), checkURL(o.str("url")))
	}
	return fmt.Errorf("rich text element %q", o.str("type"))
}

func checkPlain(o object) error {
	if o.str("type") != "plain_text" {
		return fmt.Errorf("text object %q", o.str("type"))
	}
	return errors.Join(o.only("type", "text", "emoji"), length("plain_text", o.str("text"), 3000))
}

func checkButton(o object, actions map[string]bool) error {
	label, err := parse(o["text"])
	if err != nil || o.str("type") != "button" {
		return fmt.Errorf("actions with a %q", o.str("type"))
	}
	id := o.str("action_id")
	if actions[id] {
		return fmt.Errorf("action_id %s is not unique", id)
	}
	actions[id] = true
	errs := []error{
		o.only("type", "text", "action_id", "value", "style", "url"), checkPlain(label), length("button", label.str("text"), 75), length("action_id", id, 255),
	}
	if _, ok := o["value"]; ok {
		errs = append(errs, length("value", o.str("value"), 2000))
	}
	if _, ok := o["url"]; ok {
		errs = append(errs, checkURL(o.str("url")))
	}
	if style := o.str("style"); !slices.Contains([]string{"", "primary", "danger"}, style) {
		errs = append(errs, fmt.Errorf("style %q", style))
	}
	return errors.Join(errs...)
}

func checkURL(s string) error {
	if !strings.HasPrefix(s, "https://") {
		return fmt.Errorf("%q is no link", s)
	}
	return length("url", s, 3000)
}

// checkText wants the text of the notification: there, not too long, and without
// anything that Slack would read as a mention or a link.
func checkText(s string) error {
	switch {
	case s == "":
		return errors.New("no_text")
	case len([]rune(s)) > maxText:
		return errors.New("msg_too_long")
	case strings.ContainsAny(s, "<>"):
		return errors.New("invalid_arguments")
	}
	return nil
}
