package config

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
)

func somebody() ([]Member, error) {
	return []Member{{"U0ANA", "Ana Berg", "ana", "ana@acme.example"}, {"U0ANC", "Ana Cole", "anacole", ""},
		{"U0BEN", "Ben Ode", "ben", "ben@acme.example"}}, nil
}

func TestPeopleMayBeGivenByName(t *testing.T) {
	in := "acme\n\nus\njane@acme.example\nceligo@acme.example\nana, Ben\nAna Cole\nBerg; ana cole, U0CAT\nzoe\nben@acme.example\n\n\n\n\n"
	var out bytes.Buffer
	asked := 0
	got, err := Ask(strings.NewReader(in), &out, func() ([]Member, error) { asked++; return somebody() })
	if err != nil {
		t.Fatal(err)
	}
	// "ana" is Ana Berg's handle, so it is clear; Ana Cole is none of those holders, so the question comes again
	if !slices.Equal(got.Holders, []string{"U0ANA", "U0BEN"}) || !slices.Equal(got.Custodians, []string{"U0BEN"}) {
		t.Errorf("holders %v, custodians %v\n%s", got.Holders, got.Custodians, &out)
	}
	for _, want := range []string{"ana is Ana Berg <ana@acme.example> (U0ANA)", "Ben is Ben Ode",
		"That is not a holder of this alias",
		"That is not clear: nobody in this Slack who could act is called zoe"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("lacks %q:\n%s", want, &out)
		}
	}
	if asked != 1 {
		t.Errorf("Slack was asked %d times", asked)
	}
}

func TestANameThatMeansTwoIsAskedAgain(t *testing.T) {
	members, _ := somebody()
	members[0].Handle = "berg"
	var out bytes.Buffer
	in := "acme\n\nus\njane@acme.example\nceligo@acme.example\nAna\nU0ANA S0GROUP\n"
	got, err := Ask(strings.NewReader(in), &out, func() ([]Member, error) { return members, nil })
	if err != nil || !slices.Equal(got.Holders, []string{"U0ANA", "S0GROUP"}) ||
		!strings.Contains(out.String(),
			"Ana may be Ana Berg <ana@acme.example> (U0ANA), Ana Cole (U0ANC). Write the address or the ID.") {
		t.Errorf("%v %v\n%s", got.Holders, err, &out)
	}
}

func TestWhereSlackDoesNotAnswerIDsWillDo(t *testing.T) {
	var out bytes.Buffer
	in := "acme\n\nus\njane@acme.example\nceligo@acme.example\nAna\nU0ANA\n"
	got, err := Ask(strings.NewReader(in), &out, func() ([]Member, error) { return nil, errors.New("invalid_auth") })
	if err != nil || !slices.Equal(got.Holders, []string{"U0ANA"}) || !strings.Contains(out.String(),
		"cannot be looked up: invalid_auth. Write IDs.") {
		t.Errorf("%v %v\n%s", got.Holders, err, &out)
	}
}
