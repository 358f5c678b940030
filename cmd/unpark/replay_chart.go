package main

import (
	"fmt"
	"strings"
)

// A chart is drawn in units of its own; the page scales it.
const (
	chartWidth  = 640.0
	chartHeight = 220.0
	chartLeft   = 44.0
	chartBottom = 24.0
	chartTop    = 8.0
	rowHeight   = 22.0
	rowLeft     = 170.0
	rowRight    = 44.0
	charWidth   = 6.6 // of the labels' type, about
)

// chart is a picture of points: stacked bars, one colour for each kind.
type chart struct {
	Height float64
	Width  float64
	About  string
	Bars   []bar
	Lines  []gridLine
	Labels []label
}

type bar struct {
	X, Y, Width, Height float64
	Kind, Title         string
}

type gridLine struct{ X1, Y1, X2, Y2 float64 }

type label struct {
	X, Y         float64
	Text, Anchor string
}

// columns draws upright bars; most is the value at the top of the scale.
func columns(about string, points []point, most int) chart {
	c := chart{Width: chartWidth, Height: chartHeight, About: about}
	top, step := scale(most)
	bottom, height := chartHeight-chartBottom, chartHeight-chartBottom-chartTop
	y := func(n int) float64 { return bottom - height*float64(n)/float64(top) }
	for n := 0; n <= top; n += step {
		c.Lines = append(c.Lines, gridLine{chartLeft, y(n), chartWidth, y(n)})
		c.Labels = append(c.Labels, label{chartLeft - 6, y(n) + 4, fmt.Sprint(n), "end"})
	}
	width := (chartWidth - chartLeft) / float64(max(len(points), 1))
	every := max(1, (len(points)*len(longest(points))*8+int(chartWidth)-1)/int(chartWidth))
	for i, p := range points {
		x := chartLeft + width*float64(i)
		if i%every == 0 && x+width/2+charWidth*float64(len(p.Label))/2 <= chartWidth { // a cut label says nothing
			c.Labels = append(c.Labels, label{x + width/2, chartHeight - 6, p.Label, "middle"})
		}
		below := 0
		for k, n := range p.Counts {
			if n == 0 {
				continue
			}
			c.Bars = append(c.Bars, bar{x + width*0.1, y(below + n), width * 0.8, y(below) - y(below+n), alertKinds[k], title(p, k)})
			below += n
		}
	}
	return c
}

// rows draws lying bars with their labels on the left and sums on the right.
func rows(about string, points []point, most int) chart {
	c := chart{Width: chartWidth, Height: rowHeight*float64(len(points)) + chartTop, About: about}
	scale := (chartWidth - rowLeft - rowRight) / float64(max(most, 1))
	for i, p := range points {
		y, left := chartTop+rowHeight*float64(i), 0
		c.Labels = append(c.Labels,
			label{rowLeft - 8, y + 14, shorten(p.Label, 24), "end"},
			label{rowLeft + scale*float64(p.total()) + 6, y + 14, fmt.Sprint(p.total()), "start"})
		for k, n := range p.Counts {
			if n == 0 {
				continue
			}
			c.Bars = append(c.Bars, bar{rowLeft + scale*float64(left), y, scale * float64(n), rowHeight * 0.8, alertKinds[k], title(p, k)})
			left += n
		}
	}
	return c
}

func title(p point, kind int) string {
	return fmt.Sprintf("%s: %d %s", p.Label, p.Counts[kind], alertKinds[kind])
}

// scale returns a round number that is not below most, and the step of the lines
// below it.
func scale(most int) (top, step int) {
	step = 1
	for i := 0; step*5 < most; i++ {
		step = step * []int{2, 5, 4}[i%3] / []int{1, 2, 2}[i%3]
	}
	return max(step, (most+step-1)/step*step), step
}

// highest returns the greatest sum of a point.
func highest(sides [][]point) (most int) {
	for _, points := range sides {
		for _, p := range points {
			most = max(most, p.total())
		}
	}
	return most
}

func longest(points []point) (l string) {
	for _, p := range points {
		if len(p.Label) > len(l) {
			l = p.Label
		}
	}
	return l
}

func shorten(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return strings.TrimSpace(string(r[:most-1])) + "…"
	}
	return s
}
