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

	"github.com/chromedp/chromedp"
)

// pictures is where make pictures wants the README's.
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
		keepForReadme(t, "transfer-"+scheme, img)
	}
	p.fromAPhone(shown)
	for what, is := range shown {
		if light := !strings.HasSuffix(what, ", dark"); light != (is > 0.5) {
			t.Errorf("%s has a brightness of %.2f", what, is)
		}
	}
	p.quiet()
}

// fromAPhone takes pictures of what people use most on their phones, in the light: a card, the Home, who has access,
// a page of a review.
func (p *page) fromAPhone(shown map[string]float64) {
	p.t.Helper()
	p.scheme("light")
	take := func(name string) {
		p.t.Helper()
		p.do(chromedp.EmulateViewport(phoneWidth, phoneHeight))
		img, err := png.Decode(bytes.NewReader(p.picture()))
		if err != nil {
			p.t.Fatal(err)
		}
		if size := img.Bounds().Size(); size != image.Pt(phoneWidth, phoneHeight) {
			p.t.Errorf("the picture of the %s is %s", name, size)
		}
		shown[name] = brightness(img, image.Rect(30, 100, phoneWidth-30, phoneHeight-100))
		keepForReadme(p.t, "phone-"+name, img)
		p.do(chromedp.EmulateViewport(width, height))
	}
	p.find("button", "^Confirm$")
	take("card")
	p.click("tab", "^Home")
	p.find("button", "^Confirm$")
	take("home")
	p.room("integration-ops")
	p.said("/io who")
	p.sees("Only visible to you")
	take("who")
	p.startReview()
	p.actAs("Dee")
	p.chat()
	p.click("button", "^Go through the rows")
	p.sees("page 1 of")
	take("review")
}

// keepForReadme writes a picture, as small as it gets, where make pictures wants it.
func keepForReadme(t testing.TB, name string, img image.Image) {
	t.Helper()
	if *pictures == "" {
		return
	}
	var b bytes.Buffer
	small := png.Encoder{CompressionLevel: png.BestCompression}
	if err := small.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*pictures, name+".png"), b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
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
