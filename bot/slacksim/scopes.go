package slacksim

import (
	"net/http"
	"slices"
	"strings"
)

// eventScopes are the scopes a bot token may hold beside those that methods ask for: of commands
// and events, and those that widen what a method does.
const eventScopes = "app_mentions:read chat:write.customize chat:write.public commands incoming-webhook"

// allScopes is every scope of a bot token that makes a difference here, sorted: what a token holds
// without Options.Scopes.
func allScopes() []string {
	l := strings.Fields(eventScopes)
	for _, m := range methods {
		l = append(l, m.scopes...)
	}
	slices.Sort(l)
	return slices.Compact(l)
}

// provided is what the bot token holds, as X-OAuth-Scopes and missing_scope tell it.
func (s *Server) provided() []string {
	if len(s.opt.Scopes) == 0 {
		return allScopes()
	}
	return s.opt.Scopes
}

// tellScopes sets the headers with which Slack tells the scopes of a good token and those the
// method takes, one of which is enough (docs.slack.dev/authentication/installing-with-oauth; both
// official SDKs hand them to the app).
func (s *Server) tellScopes(h http.Header, name, token string) {
	m, known := methods[name]
	if !known {
		return
	}
	switch {
	case token == s.opt.AppToken:
		h.Set("X-OAuth-Scopes", "connections:write")
	case token == s.opt.BotToken:
		h.Set("X-OAuth-Scopes", strings.Join(s.provided(), ","))
	default:
		return
	}
	switch {
	case m.app:
		h.Set("X-Accepted-OAuth-Scopes", "connections:write")
	case len(m.scopes) > 0:
		h.Set("X-Accepted-OAuth-Scopes", strings.Join(m.scopes, ","))
	}
}
