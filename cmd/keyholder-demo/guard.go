package main

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// guard lets nobody act through a browser but the demo's own page. The demo listens on this machine
// and asks for no password, and its tokens are known to everybody, so a page of another site that
// is open in the same browser could do all that people here can:
//
//   - by a request across sites, which browsers mark (Sec-Fetch-Site, Origin): refused, whatever
//     its method, for Slack's Web API acts on GET;
//     only going to a page by a link is let through.
//   - by a name of its own that it makes point here (DNS rebinding), which Host gives away: an
//     address or localhost is taken, or the name that
//     the demo was told to listen at, and no other name.
func guard(own []string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !hostOfOurs(r.Host, own...):
			http.Error(w, "This demo answers at an address or at localhost only, not at "+printable(r.Host)+".",
				http.StatusMisdirectedRequest)
		case fromElsewhere(r):
			http.Error(w, "cross-origin request refused: only the demo's own page may act here", http.StatusForbidden)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// hostOfOurs reports whether a Host is an address, localhost or one of own.
func hostOfOurs(host string, own ...string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.ToLower(strings.TrimSuffix(strings.Trim(name, "[]"), "."))
	if _, err := netip.ParseAddr(name); err == nil {
		return true
	}
	return name == "localhost" || name != "" && slices.ContainsFunc(own, func(o string) bool {
		return strings.EqualFold(o, name)
	})
}

// fromElsewhere reports whether a browser sent this for another site. Clients that are no browser
// say nothing of it, but that of Slack's socket, which names Slack as its origin: the ticket in its
// address, which only the API gives and which serves once, stands for it.
func fromElsewhere(r *http.Request) bool {
	if strings.HasPrefix(r.URL.Path, "/link/") {
		return false
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		u, err := url.Parse(origin)
		return err != nil || !strings.EqualFold(u.Host, r.Host)
	}
	if slices.Contains([]string{"", "none", "same-origin"}, r.Header.Get("Sec-Fetch-Site")) {
		return false
	}
	acts := r.Method != http.MethodGet && r.Method != http.MethodHead || underAny(r.URL.Path, "/api/", "/v1/", "/_sim/",
		"/_panel/")
	return acts || r.Header.Get("Sec-Fetch-Mode") != "navigate"
}

func underAny(path string, folders ...string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return strings.HasPrefix(path, f) })
}

// printable keeps what a stranger sent fit for a line of plain text.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, s[:min(len(s), 80)])
}
