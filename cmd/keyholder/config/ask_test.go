package config

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

func TestAskTakesTheAnswers(t *testing.T) {
	in := strings.Join([]string{"north", "North Production", "eu", "jo@north.example", "celigo@north.example",
		"U0ANA, U0BEN", "U0BEN", "IT vault", "U0DEE", "C0OPS", "NORTH_TOKEN", "https://login.north.example codes", "keys", ""}, "\r\n")
	var out bytes.Buffer
	got, err := Ask(strings.NewReader(in), &out, nil)
	want := Answers{"north", "North Production", "eu", "jo@north.example", "NORTH_TOKEN", "celigo@north.example",
		[]string{"U0ANA", "U0BEN"}, []string{"U0BEN"}, "IT vault", []string{"U0DEE"}, "C0OPS",
		"https://login.north.example", "keys", true}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v\n%s", got, err, &out)
	}
	if strings.Contains(out.String(), "ended") {
		t.Errorf("the input did not end:\n%s", &out)
	}
}

func TestAskExplainsAWrongAnswerAndAsksAgain(t *testing.T) {
	in := "Acme Prod\nacme\n\nuk\nus\njane\n\njane@acme.example\n\nceligo@acme.example\n\nana\nU0ANA U0BEN\nU0EVE\n\n\n\n#ops\n\nxoxb-1 2\n\nhttp://login.acme.example\ncodes please\ncodes\n"
	var out bytes.Buffer
	got, err := Ask(strings.NewReader(in), &out, nil)
	if err != nil || got.AccountID != "acme" || got.Owner != "jane@acme.example" || !reflect.DeepEqual(got.Holders,
		[]string{"U0ANA", "U0BEN"}) {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, part := range []string{"That is not an account ID", "This one is needed",
		"That is not a region. Choose us, eu, au or ca.", "That is not an e-mail address",
		"That is not the ID of a Slack user", "That is not a holder of this alias", "That is not the ID of a channel",
		"That is not the name of an environment variable",
		"That is neither an https address, nor the word codes, nor both."} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("%q is missing in:\n%s", part, &out)
		}
	}
	if !got.Codes || strings.Contains(out.String(), "client ID") {
		t.Errorf("codes alone have no client: %+v\n%s", got, &out)
	}
	for _, invented := range []string{"[jane@", "[celigo@", "U0CAT"} {
		if strings.Contains(out.String(), invented) {
			t.Errorf("%q is proposed as an answer:\n%s", invented, &out)
		}
	}
}

func TestAskAtTheEndOfTheInputTakesTheExamples(t *testing.T) {
	for _, in := range []string{"", "north", "north\nNorth\nmoon"} {
		var out bytes.Buffer
		got, err := Ask(strings.NewReader(in), &out, nil)
		if err != nil || !strings.Contains(out.String(), "The input ended") {
			t.Errorf("%q: %v\n%s", in, err, &out)
		}
		if in != "" && got.AccountID != "north" || got.Owner != "jane@acme.example" || got.Region != "us" {
			t.Errorf("%q: got %+v", in, got)
		}
		if _, faults := Parse(Template(got), "k.yaml", testEnv); len(faults) > 0 {
			t.Errorf("%q: %s", in, lines(faults))
		}
	}
}

func TestAskReportsABrokenTerminal(t *testing.T) {
	if _, err := Ask(iotest.ErrReader(io.ErrClosedPipe), io.Discard, nil); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("reading: %v", err)
	}
	reader, writer := io.Pipe()
	_ = reader.Close()
	if _, err := Ask(strings.NewReader("a\n"), writer, nil); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("writing: %v", err)
	}
}

func TestAskSurvivesABinaryStream(t *testing.T) {
	in := io.LimitReader(zeros{}, 1<<20)
	if _, err := Ask(in, io.Discard, nil); err != nil {
		t.Error(err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 0xff
	}
	return len(p), nil
}
