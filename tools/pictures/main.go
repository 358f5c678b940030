// Command pictures draws the messages of docs/notifications.md as people see them
// on a phone: it tells strict twins of Slack and Teams, and has Chromium draw the
// JSON that was sent, Adaptive Cards with Microsoft's own renderer.
//
// Reads: Chromium, the adaptivecards package from npm.
// Writes: PNG files.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	cards := flag.String("adaptivecards", "", "the file adaptivecards.min.js")
	chromium := flag.String("chromium", "chromium", "the browser")
	out := flag.String("out", "docs/pictures", "the folder for the pictures")
	flag.Parse()
	if err := drawAll(*cards, *chromium, *out); err != nil {
		fmt.Fprintln(os.Stderr, "pictures:", err)
		os.Exit(1)
	}
}

func drawAll(cards, chromium, out string) error {
	renderer, err := os.ReadFile(cards)
	if err != nil {
		return fmt.Errorf("adaptivecards: %w", err)
	}
	scenes, err := stage()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	for _, s := range scenes {
		page, err := s.page(string(renderer))
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		if err := shoot(chromium, page, filepath.Join(out, s.name+".png")); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		fmt.Println(filepath.Join(out, s.name+".png"))
	}
	return nil
}
