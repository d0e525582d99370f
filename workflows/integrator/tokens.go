package integrator

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows"
)

// apiToken is an API token as GET /v1/accesstokens shows it: section 10 of the reference, and Newer
// facts. The secret is masked there, and not decoded.
type apiToken struct {
	ID          word   `json:"_id"`
	Name        word   `json:"name"`
	Full        bool   `json:"fullAccess"`
	Revoked     bool   `json:"revoked"`
	Kind        word   `json:"tokenType"`
	Share       word   `json:"_aShareId"`
	Ends        stamp  `json:"autoPurgeAt"`
	Made        stamp  `json:"createdAt"`
	Modified    stamp  `json:"lastModified"`
	Connections []word `json:"_connectionIds"`
	Exports     []word `json:"_exportIds"`
	Imports     []word `json:"_importIds"`
	APIs        []word `json:"_apiIds"`
	Servers     []word `json:"_mcpServerIds"`
}

// listTokens reads the API tokens of an environment. A list without one is no list: whoever reads
// has a token, and what may not be seen must not be taken for what is not there.
func (s *session) listTokens(ctx context.Context) ([]apiToken, error) {
	all, _, err := listOf[apiToken](ctx, s, "/v1/accesstokens", nil, fewRows)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(t apiToken) bool { return t.ID == "" })
	if len(all) == 0 {
		return nil, refuse(workflows.RefusedForbidden, "integrator.io shows no API tokens to this token.")
	}
	return all, nil
}

// tokens answers [workflows.OpTokens].
func (s *session) tokens(ctx context.Context) (*workflows.Receipt, error) {
	all, err := s.listTokens(ctx)
	if err != nil {
		return nil, err
	}
	out := &workflows.Tokens{At: s.g.now().UTC()}
	for _, t := range all {
		out.Tokens = append(out.Tokens, t.token())
	}
	slices.SortFunc(out.Tokens, func(a, b workflows.Token) int { return cmp.Compare(a.ID, b.ID) })
	return &workflows.Receipt{Tokens: out}, nil
}

// makers looks up in the audit log who made the tokens of an account, which carry no name. Personal
// ones name their maker themselves.
func (s *session) makers(ctx context.Context, all []workflows.APIToken) error {
	if !slices.ContainsFunc(all, func(t workflows.APIToken) bool { return t.Kind == workflows.TokenOfAccount }) {
		return nil
	}
	h := hunt{s: s, about: "accesstoken", ids: map[string]bool{}, left: maxInvitePages}
	if err := h.ask(ctx, url.Values{"action": {"create"}}, time.Time{}); err != nil {
		return err
	}
	for i, t := range all {
		for _, e := range h.entries {
			if e.Event == "create" && string(e.Resource) == t.ID && t.Kind == workflows.TokenOfAccount {
				all[i].Maker = strings.ToLower(strings.TrimSpace(string(e.By.Email)))
			}
		}
	}
	return nil
}

// traceToken answers who made a token or changed it since, the last of them first. An update of the name alone
// does not count.
func (s *session) traceToken(ctx context.Context, call workflows.Call) (*workflows.Receipt, error) {
	h := hunt{s: s, about: "accesstoken", since: call.Since.UTC(), ids: map[string]bool{}, left: maxTracePages}
	if err := h.ask(ctx, url.Values{"_resourceId": {call.Token}}, h.since); err != nil {
		return nil, err
	}
	found := slices.DeleteFunc(h.entries, func(e auditEntry) bool {
		return string(e.Resource) != call.Token || e.By.Email == ""
	})
	if len(found) == 0 {
		if err := s.unsure("the audit log holds nothing about the token"); err != nil {
			return nil, err
		}
		if !h.shown {
			return nil, refuse(workflows.RefusedForbidden, emptyList+".")
		}
		return &workflows.Receipt{Trace: &workflows.Trace{Token: call.Token}}, nil
	}
	slices.SortStableFunc(found, func(a, b auditEntry) int { return b.Time.Compare(a.Time.Time) })
	last := found[0]
	t := &workflows.Trace{Token: call.Token, Email: strings.ToLower(string(last.By.Email)), Name: string(last.By.Name),
		At: last.Time.Time, Source: string(last.Source), Event: string(last.Event)}
	for _, e := range found[1:] {
		if by := strings.ToLower(string(e.By.Email)); by != t.Email && !slices.Contains(t.Others, by) {
			t.Others = append(t.Others, by)
		}
	}
	return &workflows.Receipt{Trace: t}, nil
}

func (t apiToken) token() workflows.Token {
	out := workflows.Token{ID: string(t.ID), Name: string(t.Name), Kind: workflows.TokenOfAccount, Full: t.Full,
		Share: string(t.Share),
		Ends:  t.Ends.Time, Revoked: t.Revoked, Made: t.Made.Time}
	if t.Kind == "ashare" || t.Share != "" {
		out.Kind = workflows.TokenOfPerson
	}
	for _, part := range []struct {
		name string
		ids  []word
	}{{"APIs", t.APIs}, {"connections", t.Connections}, {"exports", t.Exports}, {"imports", t.Imports},
		{"MCP servers", t.Servers}} {
		if len(part.ids) > 0 {
			out.Scope = append(out.Scope, fmt.Sprintf("%s: %d", part.name, len(part.ids)))
		}
	}
	return out
}

// Identity is whose token it is. UserID is the account's identity: compare it after a change of owner.
type Identity struct {
	UserID string
	Scope  string // empty where integrator.io does not tell
}

// identity reads tokenInfo.
func (s *session) identity(ctx context.Context) (Identity, error) {
	var out struct {
		UserID string `json:"_userId"`
		Scope  any    `json:"scope"`
	}
	a, err := s.get(ctx, "/v1/tokenInfo")
	if err == nil {
		err = decode(http.MethodGet, a, &out)
	}
	scope, _ := out.Scope.(string)
	return Identity{out.UserID, scope}, err
}
