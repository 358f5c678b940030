package main

import (
	"cmp"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"slices"
)

// colors is how many a picture keeps: text needs few.
const colors = 48

// shrink writes a picture again with its most frequent colors, the others as the
// nearest of them.
func shrink(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	from, err := png.Decode(f)
	if err != nil {
		return err
	}
	to := image.NewPaletted(from.Bounds(), frequent(from))
	draw.Draw(to, to.Rect, from, from.Bounds().Min, draw.Src)
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	defer out.Close()
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(out, to); err != nil {
		return err
	}
	return out.Close()
}

// frequent returns the picture's palette; equally frequent colors in a fixed order,
// so that the same page gives the same file.
func frequent(m image.Image) color.Palette {
	count := map[color.RGBA]int{}
	for y := m.Bounds().Min.Y; y < m.Bounds().Max.Y; y++ {
		for x := m.Bounds().Min.X; x < m.Bounds().Max.X; x++ {
			count[color.RGBAModel.Convert(m.At(x, y)).(color.RGBA)]++
		}
	}
	number := func(c color.RGBA) int { return int(c.R)<<16 | int(c.G)<<8 | int(c.B) }
	byCount := func(a, b color.RGBA) int {
		return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(number(a), number(b)))
	}
	var p color.Palette
	for _, c := range slices.SortedFunc(maps.Keys(count), byCount)[:min(colors, len(count))] {
		p = append(p, c)
	}
	return p
}
