package integrator

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestLinkFindsNext(t *testing.T) {
	for name, c := range map[string]struct {
		headers []string
		want    string
	}{
		"as documented": {
			[]string{`<https://a.example/v1/x?skip=100&limit=1000>; rel="next", <https://a.example/v1/x>; rel="prev"`},
			"https://a.example/v1/x?skip=100&limit=1000"},
		"next comes second": {[]string{`<https://a.example/p>; rel="prev", <https://a.example/n>; rel="next"`},
			"https://a.example/n"},
		"unquoted rel":  {[]string{`<https://a.example/n>; rel=next`}, "https://a.example/n"},
		"upper case":    {[]string{`<https://a.example/n>; REL="NEXT"`}, "https://a.example/n"},
		"several words": {[]string{`<https://a.example/n>; rel="last next"`}, "https://a.example/n"},
		"a title with a comma": {
			[]string{`<https://a.example/p>; title="a, <b>; rel=\"next\""; rel=prev, <https://a.example/n>; rel=next`},
			"https://a.example/n"},
		"comma in the address": {[]string{`<https://a.example/n?ids=1,2;3>;rel="next"`},
			"https://a.example/n?ids=1,2;3"},
		"several headers": {[]string{`<https://a.example/p>; rel="prev"`, `<https://a.example/n>; rel="next"`},
			"https://a.example/n"},
		"only prev":                {[]string{`<https://a.example/p>; rel="prev"`}, ""},
		"the first rel counts":     {[]string{`<https://a.example/p>; rel="prev"; rel="next"`}, ""},
		"rel that only looks so":   {[]string{`<https://a.example/p>; rel="nextish"`}, ""},
		"no brackets":              {[]string{`https://a.example/n; rel="next"`}, ""},
		"never closed":             {[]string{`<https://a.example/n; rel="next"`}, ""},
		"nothing":                  {nil, ""},
		"garbage between":          {[]string{`<https://a.example/p> garbage; rel="next"`}, ""},
		"empty members":            {[]string{`, ,<https://a.example/n>; rel="next"`}, "https://a.example/n"},
		"a parameter without rest": {[]string{`<https://a.example/n>; crossorigin; rel="next"`}, "https://a.example/n"},
	} {
		got, ok := nextLink(c.headers)
		if got != c.want || ok != (c.want != "") {
			t.Errorf("%s: got %q %v, want %q", name, got, ok, c.want)
		}
	}
}

// Whatever order, quoting and company the next link comes in, it is found and its address is unchanged.
func TestLinkRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		link := func(rel string) string {
			target := "https://a.example/v1/" + rapid.StringMatching(`[a-z]{1,8}\?[a-z0-9=&,;%"]{0,20}`).Draw(t,
				"target")
			form := rapid.SampledFrom([]string{`<%s>; rel="%s"`, `<%s>;rel=%s`,
				`<%s> ; title="x, y; rel=none" ; rel="%s"`, "<%s>;\trel = \"%s\"; type=a"}).Draw(t, "form")
			return fmt.Sprintf(form, target, rel)
		}
		var links []string
		for range rapid.IntRange(0, 3).Draw(t, "others") {
			links = append(links, link(rapid.SampledFrom([]string{"prev", "first", "last"}).Draw(t, "rel")))
		}
		want := ""
		if rapid.Bool().Draw(t, "has next") {
			next := link("next")
			want = next[1:strings.Index(next, ">")]
			at := rapid.IntRange(0, len(links)).Draw(t, "at")
			links = append(links[:at:at], append([]string{next}, links[at:]...)...)
		}
		got, ok := nextLink([]string{strings.Join(links, rapid.SampledFrom([]string{",", ", ", " , "}).Draw(t,
			"comma"))})
		if got != want || ok != (want != "") {
			t.Fatalf("got %q %v, want %q in %q", got, ok, want, links)
		}
	})
}

func FuzzLink(f *testing.F) {
	f.Add(`<https://a.example/n>; rel="next"`)
	f.Add(`<>;;;rel="`)
	f.Add(`<a>;x="\`)
	f.Fuzz(func(t *testing.T, h string) {
		got, ok := nextLink([]string{h})
		if ok && !strings.Contains(h, "<") {
			t.Fatalf("found %q where no link is", got)
		}
	})
}

func TestNextPageStaysOnTheConfiguredHost(t *testing.T) {
	for name, c := range map[string]struct{ base, link, want string }{
		"the same host": {"https://api.example", "https://api.example/v1/ashares?after=opaque%2Fcursor",
			"https://api.example/v1/ashares?after=opaque%2Fcursor"},
		"a proxy's upstream": {"https://proxy.example/celigo", "https://api.integrator.io/v1/ashares?skip=1",
			"https://proxy.example/celigo/v1/ashares?skip=1"},
		"a proxy that rewrites": {"https://proxy.example/celigo", "https://proxy.example/celigo/v1/ashares?skip=1",
			"https://proxy.example/celigo/v1/ashares?skip=1"},
		"a stranger": {"https://api.example", "https://evil.example/v1/ashares?x=1",
			"https://api.example/v1/ashares?x=1"},
		"downgraded": {"https://api.example", "http://api.example/v1/ashares?x=1",
			"https://api.example/v1/ashares?x=1"},
		"relative":     {"https://api.example", "/v1/ashares?x=1", "https://api.example/v1/ashares?x=1"},
		"only a query": {"https://api.example", "?x=1", "https://api.example/v1/ashares?x=1"},
		"an escaped slash": {"https://api.example", "https://api.example/v1/a%2Fb?x=1",
			"https://api.example/v1/a%2Fb?x=1"},
		"a base with /v1": {"https://api.example/v1/", "https://api.example/v1/ashares?x=1",
			"https://api.example/v1/ashares?x=1"},
		"an escaped slash, proxied": {"https://api.example/p", "https://other.example/v1/a%2Fb?x=1",
			"https://api.example/p/v1/a%2Fb?x=1"},
	} {
		base, err := parseBase(c.base)
		if err != nil {
			t.Fatal(err)
		}
		s := &session{acct: configured{base: base}}
		got, err := s.follow(s.onBase(&url.URL{Path: "/v1/ashares"}), c.link)
		if err != nil || got.String() != c.want {
			t.Errorf("%s: got %v %v, want %s", name, got, err, c.want)
		}
	}
	base, _ := parseBase("https://api.example")
	s := &session{acct: configured{base: base}}
	for _, bad := range []string{"javascript:alert(1)", "mailto:a@b", "ftp://api.example/x", "https://api.example",
		"http://[::1"} {
		if got, err := s.follow(s.onBase(&url.URL{Path: "/v1/ashares"}), bad); err == nil {
			t.Errorf("%s: followed to %s", bad, got)
		}
	}
}
