package main

import (
	"bytes"
	"flag"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// pictures is where make pictures wants the README's two.
var pictures = flag.String("pictures", "", "folder to write the README's pictures to")

func TestThePicturesOfTheReadmeAreLightAndDark(t *testing.T) {
	s := start(t, options{edit: func(yaml string) string { return yaml }}) // the times that a newcomer sees
	s.request(dee, toAlias())
	if _, err := s.slack.SlashCommand(s.ctx, gus, "C0GENERAL", "/io", "transfer"); err != nil {
		t.Fatal(err)
	}
	s.until("the card to say that the mailbox was invited", func() bool {
		return strings.Contains(s.card(ana), "was invited as a user")
	})
	// only now: a click on a card that changes meanwhile is refused, and the picture would show that
	s.press(ana, "transfer.claim")
	s.signUp(aliasEmail)
	s.until("ana's button", func() bool { _, _, ok := s.button(ana, "transfer.confirm"); return ok })
	p := open(t, s)
	p.actAs("Ana Silva")
	p.chat()
	p.find("button", "^Confirm$")
	p.toursTo("Let time pass")
	if p.shows("Only visible to you") {
		t.Error("the picture would show an answer that has nothing to do with it")
	}
	shown := map[string]float64{}
	for _, scheme := range []string{"light", "dark"} {
		p.scheme(scheme)
		p.find("button", "^Confirm$")
		raw := p.picture()
		img, err := png.Decode(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		if size := img.Bounds().Size(); size != image.Pt(width, height) {
			t.Errorf("the %s picture is %s", scheme, size)
		}
		shown["page, "+scheme] = brightness(img, image.Rect(width/3, 100, width*2/3, height))
		shown["panel, "+scheme] = brightness(img, image.Rect(width*4/5, 100, width, height))
		if *pictures != "" {
			if err := os.WriteFile(filepath.Join(*pictures, "transfer-"+scheme+".png"), raw, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	for what, is := range shown {
		if light := what == "page, light" || what == "panel, light"; light != (is > 0.5) {
			t.Errorf("%s has a brightness of %.2f", what, is)
		}
	}
	p.quiet()
}

// brightness is the mean of a part, from 0 to 1.
func brightness(img image.Image, part image.Rectangle) float64 {
	sum := 0.0
	for y := part.Min.Y; y < part.Max.Y; y++ {
		for x := part.Min.X; x < part.Max.X; x++ {
			r, g, b, _ := img.At(x, y).RGBA()
			sum += float64(r+g+b) / (3 * 0xffff)
		}
	}
	return sum / float64(part.Dx()*part.Dy())
}
