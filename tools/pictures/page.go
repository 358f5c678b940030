package main

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
)

//go:embed slack.html teams.html
var files embed.FS

var pages = template.Must(template.ParseFS(files, "*.html"))

// page is the HTML that draws a scene.
func (s scene) page(renderer string) ([]byte, error) {
	var b bytes.Buffer
	err := pages.ExecuteTemplate(&b, s.template+".html", map[string]any{"Messages": s.messages, "Renderer": template.JS(renderer)})
	return b.Bytes(), err
}

// width is that of a phone, in CSS pixels.
const width = 390

var height = regexp.MustCompile(`<title>(\d+)</title>`)

// shoot has the browser draw a page: once to learn its height, which the page
// writes into its title, and once for the picture.
//
// The page holds only what unpark sent to a twin of its own, so that it needs no
// sandbox, which a root user in a container does not get.
func shoot(chromium string, page []byte, png string) error {
	dir, err := os.MkdirTemp("", "pictures")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // what is left over is the system's to sweep
	file := filepath.Join(dir, "page.html")
	if err := os.WriteFile(file, page, 0o600); err != nil {
		return err
	}
	browser := func(args ...string) ([]byte, error) {
		args = append(args, "--headless", "--no-sandbox", "--hide-scrollbars", "--disable-gpu", "--force-device-scale-factor=1.5", "--user-data-dir="+dir, "file://"+file)
		return exec.Command(chromium, args...).Output()
	}
	dom, err := browser(fmt.Sprintf("--window-size=%d,2000", width), "--dump-dom")
	if err != nil {
		return fmt.Errorf("%s: %w", chromium, err)
	}
	found := height.FindSubmatch(dom)
	if found == nil {
		return fmt.Errorf("the page was not drawn: %.300s", dom)
	}
	_, err = browser(fmt.Sprintf("--window-size=%d,%s", width, found[1]), "--screenshot="+png)
	if err != nil {
		return fmt.Errorf("%s: %w", chromium, err)
	}
	return shrink(png)
}
