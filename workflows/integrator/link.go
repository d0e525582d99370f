package integrator

import "strings"

// nextLink finds the target of rel="next" in Link headers. Several links and several headers may
// come in any order; parameters may be quoted or not, and rel may hold several words. Anything
// malformed ends the parsing of that header. Source: RFC 8288, section 3 and appendix B.
func nextLink(headers []string) (target string, ok bool) {
	for _, h := range headers {
		for h != "" {
			var link string
			var next bool
			link, next, h = oneLink(h)
			if next {
				return link, true
			}
		}
	}
	return "", false
}

// oneLink reads the first link-value and answers what follows its comma; rest is empty at the end
// and for malformed text.
func oneLink(h string) (target string, next bool, rest string) {
	h = strings.TrimLeft(h, " \t,")
	if !strings.HasPrefix(h, "<") {
		return "", false, ""
	}
	target, h, closed := strings.Cut(h[1:], ">")
	if !closed {
		return "", false, ""
	}
	relSeen := false
	for {
		h = strings.TrimLeft(h, " \t")
		if h == "" || h[0] == ',' {
			return strings.TrimSpace(target), next, h
		}
		if h[0] != ';' {
			return "", false, ""
		}
		var name, value string
		name, value, h = linkParam(h[1:])
		// Only the first rel counts.
		if strings.EqualFold(name, "rel") && !relSeen {
			relSeen = true
			for _, word := range strings.Fields(value) {
				next = next || strings.EqualFold(word, "next")
			}
		}
	}
}

// linkParam reads one parameter after its semicolon.
func linkParam(h string) (name, value, rest string) {
	h = strings.TrimLeft(h, " \t")
	end := strings.IndexAny(h, "=;, \t")
	if end < 0 {
		return h, "", ""
	}
	name, h = h[:end], strings.TrimLeft(h[end:], " \t")
	if !strings.HasPrefix(h, "=") {
		return name, "", h
	}
	h = strings.TrimLeft(h[1:], " \t")
	if strings.HasPrefix(h, `"`) {
		value, rest = quoted(h[1:])
		return name, value, rest
	}
	end = strings.IndexAny(h, ";,")
	if end < 0 {
		end = len(h)
	}
	return name, strings.TrimSpace(h[:end]), h[end:]
}

// quoted reads a quoted-string after its opening quote. One that is never closed takes everything.
func quoted(h string) (value, rest string) {
	var b strings.Builder
	for i := 0; i < len(h); i++ {
		switch {
		case h[i] == '"':
			return b.String(), h[i+1:]
		case h[i] == '\\' && i+1 < len(h):
			i++
			b.WriteByte(h[i])
		default:
			b.WriteByte(h[i])
		}
	}
	return b.String(), ""
}
