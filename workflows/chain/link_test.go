package chain

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// three is a chain of three events, sealed with salts of our own.
func three(t *testing.T) Chain {
	t.Helper()
	c := Chain{Ref: Ref{Kind: "workflow", ID: "t07-7KQ2M9XA"}}
	for i, body := range []string{`{"by":"dee"}`, `{}`, "\xff"} {
		l := Link{Seq: uint64(i) + 1, Type: "grown", At: time.UnixMilli(int64(i) * 1000).UTC(),
			Salt: strings.Repeat("0a", SaltBytes), Previous: c.Head(), Body: []byte(body)}
		if err := l.Seal(c.Ref); err != nil {
			t.Fatal(err)
		}
		c.Links = append(c.Links, l)
	}
	return c
}

// The hash was computed once with Python's hashlib, from the formula in doc.go alone: what was sealed by one version
// must follow for every later one.
func TestTheFormulaNeverChanges(t *testing.T) {
	const head = "e85b0403458225ff0d8243e0b0bf055801099c144b6ee7e907d8931aa38e942f"
	if got := three(t).Head(); got != head {
		t.Errorf("the chain ends in %s, want %s", got, head)
	}
}

func TestAChainHoldsUntilSomethingIsTouched(t *testing.T) {
	whole := three(t)
	if err := whole.Check(); err != nil {
		t.Fatal(err)
	}
	erased := three(t)
	erased.Links[1].Salt, erased.Links[1].Body, erased.Links[1].Erased = "", nil, true
	if err := erased.Check(); err != nil || erased.Erased() != 1 {
		t.Errorf("an erased event breaks the chain: %v (%d erased)", err, erased.Erased())
	}
	for name, c := range map[string]struct {
		seq   uint64
		touch func(l []Link) []Link
	}{
		"number":           {2, func(l []Link) []Link { l[1].Seq = 3; return l }},
		"type":             {2, func(l []Link) []Link { l[1].Type = "shrunk"; return l }},
		"time":             {2, func(l []Link) []Link { l[1].At = l[1].At.Add(time.Millisecond); return l }},
		"salt":             {2, func(l []Link) []Link { l[1].Salt = strings.Repeat("0b", SaltBytes); return l }},
		"no hexadecimal":   {2, func(l []Link) []Link { l[1].Salt = "no"; return l }},
		"body":             {2, func(l []Link) []Link { l[1].Body = []byte("{ }"); return l }},
		"digest":           {2, func(l []Link) []Link { l[1].Digest = l[0].Digest; return l }},
		"half a digest":    {2, func(l []Link) []Link { l[1].Digest = l[1].Digest[:32]; return l }},
		"link":             {2, func(l []Link) []Link { l[1].Link = l[0].Link; return l }},
		"the link before":  {2, func(l []Link) []Link { l[1].Previous = ""; return l }},
		"erased in part":   {2, func(l []Link) []Link { l[1].Erased = true; return l }},
		"order":            {1, func(l []Link) []Link { slices.Reverse(l); return l }},
		"one gone":         {2, func(l []Link) []Link { return slices.Delete(l, 1, 2) }},
		"the first again":  {2, func(l []Link) []Link { return slices.Insert(l, 1, l[0]) }},
		"of another place": {2, func(l []Link) []Link { l[1].Link, l[2].Previous = l[2].Link, l[2].Link; return l }},
	} {
		links := c.touch(three(t).Links)
		err := Chain{Ref: whole.Ref, Links: links}.Check()
		var broken *BrokenError
		if !errors.As(err, &broken) || !errors.Is(err, ErrBroken) || broken.Seq != c.seq {
			t.Errorf("%s: %v, want a fault at event %d", name, err, c.seq)
		}
	}
	if err := (Chain{Ref: Ref{"account", "acme"}, Links: whole.Links}).Check(); err == nil {
		t.Error("the chain of one record holds as that of another")
	}
}
